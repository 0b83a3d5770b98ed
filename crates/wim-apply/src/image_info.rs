//! What the XML document says about an image.

use serde::Serialize;

/// One image as the XML describes it. Absent elements are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageInfo {
    /// Number, from 1.
    pub index: u32,
    /// `NAME`.
    pub name: Option<String>,
    /// `DESCRIPTION`.
    pub description: Option<String>,
    /// `DISPLAYNAME`.
    pub display_name: Option<String>,
    /// `DISPLAYDESCRIPTION`.
    pub display_description: Option<String>,
    /// `FLAGS`, usually the edition.
    pub flags: Option<String>,
    /// `WINDOWS/EDITIONID`.
    pub edition_id: Option<String>,
    /// `WINDOWS/INSTALLATIONTYPE`.
    pub installation_type: Option<String>,
    /// `WINDOWS/PRODUCTNAME`.
    pub product_name: Option<String>,
    /// `WINDOWS/PRODUCTTYPE`.
    pub product_type: Option<String>,
    /// `WINDOWS/SYSTEMROOT`.
    pub system_root: Option<String>,
    /// `WINDOWS/ARCH`.
    pub architecture: Option<Architecture>,
    /// `WINDOWS/VERSION`.
    pub version: Option<Version>,
    /// `WINDOWS/LANGUAGES/LANGUAGE`.
    pub languages: Vec<String>,
    /// `WINDOWS/LANGUAGES/DEFAULT`.
    pub default_language: Option<String>,
    /// `DIRCOUNT`.
    pub directory_count: Option<u64>,
    /// `FILECOUNT`.
    pub file_count: Option<u64>,
    /// `TOTALBYTES`: size of all files.
    pub total_bytes: Option<u64>,
    /// `HARDLINKBYTES`: bytes saved by hard links.
    pub hard_link_bytes: Option<u64>,
    /// `CREATIONTIME` as FILETIME.
    pub creation_time: Option<u64>,
    /// `LASTMODIFICATIONTIME` as FILETIME.
    pub last_modification_time: Option<u64>,
    /// `WIMBOOT` is 1.
    pub wim_boot: bool,
}

/// Processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 0: 32-bit x86.
    X86,
    /// 5: 32-bit ARM.
    Arm,
    /// 6: Itanium.
    Ia64,
    /// 9: 64-bit x86.
    Amd64,
    /// 12: 64-bit ARM.
    Arm64,
    /// Any other number.
    Other(u32),
}

impl Architecture {
    /// From the number in the XML (`PROCESSOR_ARCHITECTURE_*`).
    #[must_use]
    pub fn from_raw(raw: u32) -> Self {
        match raw {
            0 => Self::X86,
            5 => Self::Arm,
            6 => Self::Ia64,
            9 => Self::Amd64,
            12 => Self::Arm64,
            other => Self::Other(other),
        }
    }

    /// The number in the XML.
    #[must_use]
    pub fn to_raw(self) -> u32 {
        match self {
            Self::X86 => 0,
            Self::Arm => 5,
            Self::Ia64 => 6,
            Self::Amd64 => 9,
            Self::Arm64 => 12,
            Self::Other(raw) => raw,
        }
    }
}

/// Windows version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Version {
    /// `MAJOR`.
    pub major: u32,
    /// `MINOR`.
    pub minor: u32,
    /// `BUILD`.
    pub build: u32,
    /// `SPBUILD`.
    pub service_pack_build: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}",
            self.major, self.minor, self.build, self.service_pack_build
        )
    }
}
