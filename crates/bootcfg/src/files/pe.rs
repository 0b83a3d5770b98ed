//! Architecture of a program, from its PE header.

use serde::Serialize;

use crate::{Error, Result};

/// Machine a boot manager is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// From the first bytes of a PE file (1 KiB is plenty).
    ///
    /// # Errors
    /// `Invalid` when it is no PE file, or for another machine.
    ///
    /// # Source
    /// Microsoft, "PE Format", sections "MS-DOS Stub", "COFF File Header" and "Machine Types".
    pub fn of_pe(header: &[u8]) -> Result<Self> {
        let invalid = |reason: String| Error::Invalid {
            what: "boot manager",
            reason,
        };
        let machine = machine(header).ok_or_else(|| invalid("it is not a PE program".to_owned()))?;
        match machine {
            0x014c => Ok(Self::X86),
            0x8664 => Ok(Self::X64),
            0x01c0 | 0x01c2 | 0x01c4 => Ok(Self::Arm),
            0xaa64 => Ok(Self::Arm64),
            _ => Err(invalid(format!(
                "it is for machine {machine:#06x}, which no Windows To Go runs on"
            ))),
        }
    }

    /// Name of the program that firmware starts from removable media, in `\EFI\Boot`.
    #[must_use]
    pub fn fallback_name(self) -> &'static str {
        match self {
            Self::X86 => "bootia32.efi",
            Self::X64 => "bootx64.efi",
            Self::Arm => "bootarm.efi",
            Self::Arm64 => "bootaa64.efi",
        }
    }

    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X64 => "x64",
            Self::Arm => "arm",
            Self::Arm64 => "arm64",
        }
    }
}

fn machine(header: &[u8]) -> Option<u16> {
    if header.get(..2)? != b"MZ" {
        return None;
    }
    let at = u32::from_le_bytes(*header.get(0x3c..)?.first_chunk()?);
    let coff = header.get(usize::try_from(at).ok()?..)?.strip_prefix(b"PE\0\0")?;
    Some(u16::from_le_bytes(*coff.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pe(machine: u16) -> Vec<u8> {
        let mut bytes = vec![0; 0x80];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes.extend(b"PE\0\0");
        bytes.extend(machine.to_le_bytes());
        bytes
    }

    #[test]
    fn machine_field_names_the_fallback() {
        assert_eq!(
            Architecture::of_pe(&pe(0x8664)).unwrap().fallback_name(),
            "bootx64.efi"
        );
        assert_eq!(
            Architecture::of_pe(&pe(0xaa64)).unwrap().fallback_name(),
            "bootaa64.efi"
        );
        let other = Architecture::of_pe(&pe(0x0ebc)).unwrap_err().to_string();
        assert!(other.contains("0x0ebc"), "{other}");
        assert!(Architecture::of_pe(b"MZ").is_err());
        assert!(Architecture::of_pe(&[]).is_err());
    }
}
