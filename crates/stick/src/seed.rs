//! Every identifier on a stick derives from one seed.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The seed of a stick: same inputs and same seed, same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    fn digest(self, role: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"wtgctl stick identifiers 1\0");
        hasher.update(self.0.to_le_bytes());
        hasher.update(role.as_bytes());
        hasher.finalize().into()
    }

    /// The GUID for a role, such as `"disk"` or `"partition esp"`; a version 8 (custom) UUID.
    ///
    /// ```
    /// # use stick::Seed;
    /// assert_eq!(Seed(7).guid("disk"), Seed(7).guid("disk"));
    /// assert_ne!(Seed(7).guid("disk"), Seed(8).guid("disk"));
    /// ```
    #[must_use]
    pub fn guid(self, role: &str) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.digest(role)[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// A 64-bit serial number for a role.
    #[must_use]
    pub fn serial(self, role: &str) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.digest(role)[..8]);
        u64::from_le_bytes(bytes)
    }
}
