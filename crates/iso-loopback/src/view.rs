//! Which of an image's directory trees is read.

/// One of the trees that an image can hold side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// UDF: the only complete one on Windows media.
    Udf,
    /// ISO 9660's primary tree with Rock Ridge names and modes.
    RockRidge,
    /// ISO 9660's supplementary tree with Unicode names.
    Joliet,
    /// ISO 9660's primary tree with its own names.
    Iso9660,
}

impl View {
    /// Every view, the most complete first: the order in which [`IsoImage::open`](crate::IsoImage::open) prefers them.
    pub const ALL: [Self; 4] = [Self::Udf, Self::RockRidge, Self::Joliet, Self::Iso9660];
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Udf => "UDF",
            Self::RockRidge => "Rock Ridge",
            Self::Joliet => "Joliet",
            Self::Iso9660 => "ISO 9660",
        })
    }
}
