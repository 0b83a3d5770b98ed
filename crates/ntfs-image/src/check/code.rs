//! The codes of findings.

use std::fmt;

use serde::{Serialize, Serializer};

use super::report::Severity;

macro_rules! codes {
    ($($name:ident $text:literal $severity:ident $what:literal)*) => {
        /// Stable code of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`: ", $what, ".")] $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What it means.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what),* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

codes! {
    BootPrimary "boot.primary" Error "the boot sector cannot be used"
    BootField "boot.field" Error "a field of the boot sector is wrong"
    BootBackup "boot.backup" Error "the backup boot sector differs from the primary"
    VolumeOpen "volume.open" Error "the volume cannot be opened"
    VolumeSize "volume.size" Error "the volume is larger than what holds it"
    VolumeDirty "volume.dirty" Warning "the volume is marked dirty"
    VolumeInformation "volume.information" Error "$Volume is wrong"
    MirrorDiffers "mft.mirror" Error "the MFT mirror differs from the MFT"
    MirrorPlace "mft.mirror_place" Error "$MFTMirr is not where the boot sector says"
    MftPlace "mft.place" Error "$MFT is not where the boot sector says"
    MftBitmap "mft.bitmap" Error "$MFT:$BITMAP and a record disagree about being in use"
    MftBitmapSize "mft.bitmap_size" Error "$MFT:$BITMAP does not fit the MFT"
    RecordUnreadable "record.unreadable" Error "a record in use cannot be read"
    RecordSignature "record.signature" Error "a record has no signature"
    RecordFixup "record.fixup" Error "the update sequence of a record is wrong"
    RecordHeader "record.header" Error "a field of a record header is wrong"
    RecordNumber "record.number" Error "a record carries the number of another"
    RecordUsed "record.used_bytes" Error "bytes in use of a record do not end after its end mark"
    RecordFlags "record.flags" Error "flags of a record do not fit its attributes"
    RecordLinks "record.links" Error "the link count is not the number of names"
    RecordBase "record.base" Error "an extension record does not belong to its base record"
    RecordExtension "record.unlisted_extension" Error "an extension record is in no attribute list"
    AttributeHeader "attribute.header" Error "an attribute header is wrong"
    AttributeOrder "attribute.order" Error "attributes are not in order"
    AttributeInstance "attribute.instance" Error "instance numbers of attributes are wrong"
    AttributeDuplicate "attribute.duplicate" Error "an attribute is there twice"
    AttributeType "attribute.type" Error "an attribute has no definition in $AttrDef"
    AttributeForm "attribute.form" Error "an attribute is resident or not against its definition"
    AttributeMissing "attribute.missing" Error "a file lacks an attribute it must have"
    AttributeFlags "attribute.flags" Error "flags of an attribute are wrong"
    ListEntry "list.entry" Error "an entry of an attribute list is wrong"
    ListMissing "list.missing" Error "an attribute is not in the attribute list"
    RunsInvalid "runs.invalid" Error "mapping pairs are wrong"
    RunsRange "runs.range" Error "clusters lie outside the volume"
    RunsVcn "runs.vcn" Error "mapping pairs do not cover the extent"
    RunsHole "runs.hole" Error "an attribute that is not sparse has a hole"
    SizeFields "size.fields" Error "sizes of a non-resident attribute do not fit each other"
    SizeAllocated "size.allocated" Error "the allocated size is not that of the clusters"
    SizeTotal "size.total_allocated" Error "the total allocated size is not that of the clusters in use"
    CompressionUnit "compression.unit" Error "a compression unit is wrong"
    ClusterShared "cluster.shared" Error "a cluster has two owners"
    ClusterNotMarked "bitmap.used_but_free" Error "clusters in use are free in $Bitmap"
    ClusterNotOwned "bitmap.free_but_used" Error "clusters marked in $Bitmap belong to nothing"
    BitmapTail "bitmap.tail" Error "bits past the end of the volume are not set in $Bitmap"
    BitmapSize "bitmap.size" Error "$Bitmap does not fit the volume"
    StandardInformation "standard_information.value" Error "$STANDARD_INFORMATION is wrong"
    FileAttributes "standard_information.attributes" Error "file attributes do not fit the file"
    NameValue "name.value" Error "a $FILE_NAME is wrong"
    NameCharacters "name.characters" Error "a name is not legal in its namespace"
    NameAlias "name.alias" Error "a DOS name has no long name, or more than one"
    NameParent "name.parent" Error "the parent of a name is not a directory"
    NameDirectoryLinks "name.directory_links" Error "a directory has more than one name"
    NameDuplicate "name.duplicate" Warning "two names of a directory are equal up to case"
    NameNotIndexed "name.not_indexed" Error "a name is not in its directory"
    TreeCycle "tree.cycle" Error "a directory lies in itself"
    IndexRoot "index.root" Error "an index root is wrong"
    IndexUnits "index.block_units" Warning "an index root states its block size in wrong units"
    IndexNode "index.node" Error "the header of an index node is wrong"
    IndexBlock "index.block" Error "an index block cannot be read"
    IndexEntry "index.entry" Error "an index entry is wrong"
    IndexOrder "index.order" Error "index entries are not in collation order"
    IndexChild "index.child" Error "the child of an index entry is wrong"
    IndexBitmap "index.bitmap" Error "the bitmap of an index does not fit its blocks"
    EntryTarget "entry.target" Error "a directory entry refers to no such file"
    EntryParent "entry.parent" Error "a directory entry names another directory as parent"
    EntryName "entry.name" Error "a directory entry has a name that its file does not"
    EntryNamespace "entry.namespace" Error "the namespace of a directory entry is not that of the name"
    EntrySize "entry.size" Error "sizes in a directory entry are not those of the file"
    EntrySizeLinked "entry.size_linked" Note "sizes in one of several directory entries are old"
    EntryAttributes "entry.attributes" Error "attributes in a directory entry do not fit the file"
    SecurityDescriptor "security.descriptor" Error "a security descriptor is malformed"
    SecurityEntry "security.entry" Error "an entry of $SDS is wrong"
    SecurityHash "security.hash" Error "the hash of a security descriptor is wrong"
    SecurityMirror "security.mirror" Error "the second copy of a security descriptor differs"
    SecurityIndex "security.index" Error "$SDS, $SII and $SDH do not agree"
    SecurityId "security.id" Error "a file has a security id that $Secure does not have"
    SecurityMissing "security.missing" Note "a file has no security descriptor"
    ReparseValue "reparse.value" Error "a reparse point is malformed"
    ReparseIndex "reparse.index" Error "$Reparse does not list the reparse points there are"
    ObjectIdValue "object_id.value" Error "an object id is malformed"
    ObjectIdIndex "object_id.index" Error "$ObjId does not list the object ids there are"
    ExtendedAttributes "ea.value" Error "extended attributes are malformed"
    ExtendedAttributeInformation "ea.information" Error "$EA_INFORMATION does not fit $EA"
    Compact "compact.file" Error "a compact file is wrong"
    Encryption "efs.file" Error "an encrypted file is wrong"
    AttributeDefinitions "attrdef.table" Error "$AttrDef is not the table of Windows"
    UpcaseTable "upcase.table" Error "$UpCase is not the table of Windows"
    UpcaseOld "upcase.old" Note "$UpCase is the table of an older Windows"
    UpcaseInformation "upcase.information" Error "$UpCase:$Info does not fit the table"
    LogFile "log.restart" Error "$LogFile has no usable restart page"
    LogNotClean "log.not_clean" Warning "$LogFile holds changes that were not carried out"
    LogWiped "log.wiped" Note "$LogFile holds no restart page"
    LimitReached "limit" Warning "a limit kept a part from being checked"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
