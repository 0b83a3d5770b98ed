//! Files encrypted as EFS does it: a key and ciphertext by OpenSSL, metadata and raw form built from the
//! specification, and `ntfsdecrypt` to read them. Nothing here is shared with the crates that are tested.
//!
//! # Source
//! \[MS-EFSR\] 2.2.2.1 (metadata) and 2.2.3 (raw form); the initial vector of AES-256 is what `ntfsdecrypt` accepts.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha1::{Digest as _, Sha1};

const SECTOR_BYTES: usize = 512;
/// The key that files are encrypted with.
const FILE_KEY: [u8; 32] = *b"a file key of thirty-two bytes!!";
/// Password of the key file.
const PASSWORD: &str = "secret";

/// A user's key.
#[derive(Debug)]
pub struct User {
    dir: tempfile::TempDir,
    /// `$EFS` metadata of a file that this user can read.
    pub metadata: Vec<u8>,
}

impl User {
    /// Makes a key. `None` when OpenSSL is missing and skipping is allowed.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[must_use]
    pub fn new() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        // ntfsdecrypt compares a length too many: of the purpose "EFS" (...10.3.4) it accepts one more digit only.
        let purpose = "extendedKeyUsage=1.3.6.1.4.1.311.10.3.40";
        let make =
            "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 36500 -subj /CN=efs";
        openssl(dir.path(), &format!("{make} -addext {purpose}"), &[])?;
        let export =
            format!("pkcs12 -export -inkey key.pem -in cert.pem -out key.pfx -passout pass:{PASSWORD}");
        openssl(dir.path(), &export, &[])?;
        let certificate = openssl(dir.path(), "x509 -in cert.pem -outform DER", &[])?;
        let thumbprint = Sha1::digest(&certificate);
        let mut key: Vec<u8> = words(&[32, 256, 0x6610, 0]);
        key.extend(FILE_KEY);
        let encrypt = "pkeyutl -encrypt -certin -inkey cert.pem -pkeyopt rsa_padding_mode:pkcs1";
        let mut encrypted = openssl(dir.path(), encrypt, &key)?;
        encrypted.reverse();
        Some(Self {
            dir,
            metadata: metadata(&thumbprint, &encrypted),
        })
    }

    /// Ciphertext of a stream: whole sectors.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[must_use]
    pub fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for (sector, bytes) in (0u64..).zip(plain.chunks(SECTOR_BYTES)) {
            let mut bytes = bytes.to_vec();
            bytes.resize(SECTOR_BYTES, 0);
            let offset = sector * SECTOR_BYTES as u64;
            let low = 0x5816_657b_e916_1312_u64.wrapping_add(offset);
            let high = 0x1989_adbe_4491_8961_u64.wrapping_add(offset);
            let vector = [low.to_le_bytes(), high.to_le_bytes()].concat();
            let (key, vector) = (hex(&FILE_KEY), hex(&vector));
            let command = format!("enc -aes-256-cbc -nopad -K {key} -iv {vector}");
            out.extend(openssl(self.dir.path(), &command, &bytes).expect("openssl was there before"));
        }
        out
    }

    /// What `ntfsdecrypt` reads of a file on a volume. `None` when it is missing and skipping is allowed.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn decrypt(&self, volume: &Path, path: &str) -> Option<Vec<u8>> {
        let mut command = crate::tool("ntfsdecrypt")?;
        command.arg("-f").arg("-k").arg(self.dir.path().join("key.pfx"));
        command.arg(volume).arg(path);
        Some(feed(&mut command, format!("{PASSWORD}\n").as_bytes()))
    }
}

/// A data stream of a raw form.
#[derive(Clone, Debug)]
pub struct Stream<'a> {
    /// As in the raw form: `::$DATA` for the unnamed one.
    pub name: &'a str,
    /// Whether `segments` have encryption headers.
    pub encrypted: bool,
    /// Its segments.
    pub segments: Vec<Segment>,
}

/// A segment of a stream.
#[derive(Clone, Debug)]
pub struct Segment {
    /// First byte in the stream.
    pub start: u64,
    /// Bytes within the stream's size.
    pub size_bytes: u32,
    /// Bytes within the valid data length.
    pub valid_bytes: u32,
    /// Exponent of the data unit.
    pub unit_shift: u8,
    /// Lengths of the data blocks.
    pub blocks: Vec<u32>,
    /// Whether the extended header says that the file is sparse; `None` without one.
    pub sparse: Option<bool>,
    /// The data.
    pub data: Vec<u8>,
}

impl Segment {
    /// All of a stream of `size_bytes` in one data block.
    #[must_use]
    pub fn whole(size_bytes: u32, data: &[u8]) -> Self {
        Self {
            start: 0,
            size_bytes,
            valid_bytes: size_bytes,
            unit_shift: 16,
            blocks: vec![data.len() as u32],
            sparse: None,
            data: data.to_vec(),
        }
    }
}

/// The raw form of a file with a sparse stream, a plain one and an empty one. No free program writes it.
#[must_use]
pub fn sparse_raw_form() -> Vec<u8> {
    let sparse = Segment {
        size_bytes: 2000,
        valid_bytes: 1500,
        unit_shift: 9,
        blocks: vec![512, 0, 512, 0],
        sparse: Some(true),
        ..Segment::whole(0, &[0xC1; 1024])
    };
    let stream = |name, encrypted, segments| Stream {
        name,
        encrypted,
        segments,
    };
    let streams = [
        stream("::$DATA", true, vec![sparse]),
        stream(":plain:$DATA", false, vec![Segment::whole(0, b"not encrypted")]),
        stream(":empty:$DATA", true, Vec::new()),
    ];
    raw_form(&[0xEF; 100], &streams)
}

/// The raw form of a file.
#[must_use]
pub fn raw_form(metadata: &[u8], streams: &[Stream<'_>]) -> Vec<u8> {
    let mut out = b"\0\x01\0\0".to_vec();
    out.extend(utf16("ROBS"));
    out.extend([0; 8]);
    stream_header(&mut out, 0, &[0x10, 0x19]);
    segment_header(&mut out, metadata.len());
    out.extend(metadata);
    for stream in streams {
        let name = utf16(&format!("{}\0", stream.name));
        stream_header(&mut out, u32::from(!stream.encrypted), &name);
        for segment in &stream.segments {
            let header = if stream.encrypted {
                encryption_header(segment)
            } else {
                Vec::new()
            };
            segment_header(&mut out, header.len() + segment.data.len());
            out.extend(header);
            out.extend(&segment.data);
        }
    }
    out
}

fn stream_header(out: &mut Vec<u8>, flag: u32, name: &[u8]) {
    out.extend(words(&[28 + name.len() as u32]));
    out.extend(utf16("NTFS"));
    out.extend(words(&[flag, 0, 0, name.len() as u32]));
    out.extend(name);
}

fn segment_header(out: &mut Vec<u8>, rest: usize) {
    out.extend(words(&[16 + rest as u32]));
    out.extend(utf16("GURE"));
    out.extend([0; 4]);
}

fn encryption_header(segment: &Segment) -> Vec<u8> {
    let mut out = segment.start.to_le_bytes().to_vec();
    let length = 28 + 4 * segment.blocks.len() + if segment.sparse.is_some() { 16 } else { 0 };
    out.extend(words(&[length as u32, segment.size_bytes, segment.valid_bytes]));
    out.extend([0, 0, segment.unit_shift, segment.unit_shift, 12, 1]);
    out.extend((segment.blocks.len() as u16).to_le_bytes());
    out.extend(words(&segment.blocks));
    if let Some(sparse) = segment.sparse {
        out.extend(b"EXTD");
        out.extend(words(&[16, u32::from(sparse), 0]));
    }
    out
}

/// Metadata of version 2 with one user.
fn metadata(thumbprint: &[u8], encrypted_key: &[u8]) -> Vec<u8> {
    let container = utf16("{00000000-1111-4222-8333-444444444444}\0");
    let provider = utf16("Microsoft Enhanced Cryptographic Provider v1.0\0");
    let display = utf16("efs(efs@test)\0");
    let container_at = 20 + thumbprint.len();
    let provider_at = container_at + container.len();
    let display_at = provider_at + provider.len();
    let places = [20, thumbprint.len(), container_at, provider_at, display_at];
    let mut certificate = words(&places.map(|place| place as u32));
    for part in [thumbprint, &container, &provider, &display] {
        certificate.extend(part);
    }
    // S-1-5-21-1-2-3-1001.
    let mut owner = vec![1, 5, 0, 0, 0, 0, 0, 5];
    owner.extend(words(&[21, 1, 2, 3, 1001]));
    let certificate_at = 28 + owner.len();
    let length = certificate_at + certificate.len();
    let fields = [length, 28, 3, certificate.len(), certificate_at, 0, 0];
    let mut public_key = words(&fields.map(|field| field as u32));
    public_key.extend(owner);
    public_key.extend(certificate);
    public_key.resize(public_key.len().next_multiple_of(4), 0);
    let key_at = 20 + public_key.len();
    let fields = [key_at + encrypted_key.len(), 20, encrypted_key.len(), key_at, 0];
    let mut list = words(&[1]);
    list.extend(words(&fields.map(|field| field as u32)));
    list.extend(public_key);
    list.extend(encrypted_key);
    let mut out = words(&[84 + list.len() as u32, 0, 2, 0]);
    out.extend((0u8..16).collect::<Vec<_>>());
    out.extend([0; 32]);
    out.extend(words(&[84, 0, 0, 0, 0]));
    out.extend(list);
    out
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn openssl(dir: &Path, command: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut openssl = crate::tool("openssl")?;
    openssl.current_dir(PathBuf::from(dir)).args(command.split(' '));
    Some(feed(&mut openssl, input))
}

/// Runs a command with an input of a few hundred bytes.
fn feed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    // A program that reads nothing is no failure.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("output");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{shown}", output.status);
    output.stdout
}

/// A file as ntfs-3g restores it under the option `efs_raw`: ciphertext, and the bytes that its last sector has too
/// many.
#[must_use]
pub fn backup_form(ciphertext: &[u8], size_bytes: u64) -> Vec<u8> {
    let padding = ciphertext.len() as u64 - size_bytes;
    [ciphertext, &(padding as u16).to_le_bytes()].concat()
}

/// `$EFS` metadata of a file or directory that ntfs-3g shows.
#[must_use]
pub fn efsinfo(path: &Path) -> Option<Vec<u8>> {
    let mut value = vec![0; 1 << 18];
    let length = rustix::fs::lgetxattr(path, EFSINFO, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

/// Makes what ntfs-3g shows at a path an encrypted file or directory; its streams are there already.
///
/// # Panics
/// When ntfs-3g refuses.
pub fn set_efsinfo(path: &Path, metadata: &[u8]) {
    rustix::fs::lsetxattr(path, EFSINFO, metadata, rustix::fs::XattrFlags::empty())
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

/// The attribute under which ntfs-3g shows `$EFS`.
const EFSINFO: &str = "user.ntfs.efsinfo";
