//! Everything that is said to people, English and Chinese side by side.

use crate::cli::Lang;

/// Makes [`Message`]: a message without one of its texts, or with a field that a text leaves out, does not compile.
macro_rules! messages {
    ($($name:ident $({ $($field:ident: $type:ty),+ })? => $en:literal, $zh:literal;)+) => {
        /// A message, with the values that go into it.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Message { $($name $({ $($field: $type),+ })?,)+ }

        impl Message {
            /// The words.
            pub(crate) fn text(&self, lang: Lang) -> String {
                match (self, lang) {
                    $((Self::$name $({ $($field),+ })?, Lang::En) => format!($en),
                    (Self::$name $({ $($field),+ })?, Lang::Zh) => format!($zh),)+
                }
            }

            /// Name, English and Chinese of each.
            #[cfg(test)]
            const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $en, $zh)),+];
        }
    };
}

messages! {
    // Labels in front of sentences.
    Error => "error", "错误";
    Warning => "warning", "警告";
    Hint => "hint", "提示";
    CausedBy => "caused by", "原因";
    Problem => "problem", "问题";

    // Progress.
    PhaseApply => "apply", "释放文件";
    PhaseBoot => "boot", "引导文件";
    PhaseCapture => "capture", "捕获";
    PhaseExport => "export", "导出";
    PhaseExtract => "extract", "提取文件";
    PhaseSync => "sync", "写入介质";
    PhaseVerify => "verify", "校验";
    PhaseWindows => "windows", "系统文件";
    PhaseWrite => "write", "写入";
    TimeLeft => "ETA", "剩余";
    ProgressLine { phase: String, done: String, total: String, rate: String } =>
        "{phase}: {done} of {total}, {rate}/s",
        "{phase}：{done} / {total}，{rate}/s";
    ProgressLineLeft { phase: String, done: String, total: String, rate: String, seconds: u64 } =>
        "{phase}: {done} of {total}, {rate}/s, {seconds} s left",
        "{phase}：{done} / {total}，{rate}/s，剩余 {seconds} 秒";

    // A plan, and what became of it.
    Source => "source", "来源";
    Image => "image", "映像";
    Target => "target", "目标";
    Seed => "seed", "种子";
    Disk => "disk", "磁盘";
    Windows => "windows", "系统";
    Boot => "boot", "引导";
    Change => "change", "改动";
    Done => "done", "完成";
    DiskTable { guid: String, sector_bytes: u32 } =>
        "GPT {guid}, {sector_bytes}-byte sectors",
        "GPT {guid}，每扇区 {sector_bytes} 字节";
    VolumeExactly { files: u64, directories: u64, data: String, used: String, free: String } =>
        "{files} files, {directories} directories, {data} of data; exactly {used} on the volume, {free} free",
        "{files} 个文件，{directories} 个目录，数据 {data}；在卷上正好占用 {used}，剩余 {free}";
    VolumeAtMost { files: u64, directories: u64, data: String, used: String, free: String } =>
        "{files} files, {directories} directories, {data} of data; at most {used} on the volume, {free} free",
        "{files} 个文件，{directories} 个目录，数据 {data}；在卷上最多占用 {used}，剩余 {free}";
    BootFiles { files: u64, size: String, description: String } =>
        "{files} files, {size}; {description}",
        "{files} 个文件，{size}；{description}";
    Written { target: String, files: u64, size: String, writes: u64, seed: u64 } =>
        "{target}: {files} files, {size} written in {writes} writes, seed {seed}",
        "{target}：{files} 个文件，分 {writes} 次写入 {size}，种子 {seed}";

    NotHashed =>
        "files stored compact were not hashed: `wtgctl verify TARGET --against SOURCE` does that",
        "紧凑存储的文件未校验哈希：请运行 `wtgctl verify TARGET --against SOURCE`";

    // Verification.
    MoreFindings { count: u64 } => "… and {count} more", "……另有 {count} 项";
    HoldsCompared { files: u64, size: String } =>
        "holds: {files} files and {size} compared with the image",
        "通过：已与映像比对 {files} 个文件，共 {size}";
    HoldsUncompared =>
        "holds: tables, volumes and boot files; files were not compared (--against SOURCE)",
        "通过：分区表、卷和引导文件无误；未比对文件内容（--against SOURCE）";
    DoesNotHold { count: u64 } => "does not hold: {count} findings", "未通过：发现 {count} 处问题";

    // What a file is.
    ThingGpt => "disk with a GUID partition table", "带 GUID 分区表（GPT）的磁盘";
    ThingMbr => "disk with a master boot record", "带主引导记录（MBR）的磁盘";
    ThingNtfs => "NTFS volume", "NTFS 卷";
    ThingFat { name: String } => "{name} volume", "{name} 卷";
    ThingExfat => "exFAT volume", "exFAT 卷";
    ThingExt => "Linux ext2, ext3 or ext4 volume", "Linux ext2、ext3 或 ext4 卷";
    ThingBitlocker => "BitLocker encrypted volume", "BitLocker 加密卷";
    ThingLuks => "LUKS encrypted volume", "LUKS 加密卷";
    ThingWim => "Windows image file (WIM, ESD or SWM)", "Windows 映像文件（WIM、ESD 或 SWM）";
    ThingIso { views: String } => "disc image{views}", "光盘映像{views}";
    ThingHive => "registry hive", "注册表配置单元";
    ThingBcd => "boot configuration store", "引导配置数据（BCD）存储";
    ThingPlan => "saved plan of wtgctl", "wtgctl 保存的计划";
    ThingVhdx => "VHDX virtual disk", "VHDX 虚拟磁盘";
    ThingVhd => "dynamic VHD virtual disk", "动态 VHD 虚拟磁盘";
    ThingQcow2 => "QEMU copy-on-write disk", "QEMU 写时复制磁盘";
    ThingPe => "Windows or EFI program", "Windows 或 EFI 程序";
    ThingXz => "xz-compressed file; unpack it first", "xz 压缩文件，请先解压";
    ThingZip => "ZIP archive; unpack it first", "ZIP 压缩包，请先解压";
    ThingBrace => "text that starts with a brace, and no plan", "以花括号开头的文本，但不是计划";
    ThingUnknown => "nothing that is known here", "无法识别";

    // A wrong command line.
    SizeWithDevice => "--size does not go with a device", "目标是设备时不能用 --size";
    DeviceNeedsErase =>
        "a device is erased whole, which needs --erase with its by-id name or serial number",
        "设备会被整个擦除，需要用 --erase 给出它的 by-id 名称或序列号";
    EraseIsForDevices => "--erase is for devices only", "--erase 只用于设备";
    FileNeedsSize => "an image file needs --size", "目标是映像文件时需要 --size";
    NotAPlan { path: String, error: String } => "{path}: not a plan: {error}", "{path}：不是计划文件：{error}";

    SeedWas { seed: u64 } => "the seed of this run was {seed}", "本次运行的种子为 {seed}";
    PlanHasSeed { seed: u64 } => "the plan has a seed of its own, {seed}", "计划自带种子 {seed}";

    // Windows images and volumes.
    ImageNotChosen { path: String, images: String } =>
        "{path}: several images, and none was chosen: {images}",
        "{path}：有多个映像，但没有选择其中之一：{images}";
    IsDirectory { path: String } => "{path}: it is a directory", "{path}：这是目录";
    NoSuchStream { path: String } => "{path}: no such stream", "{path}：没有这个数据流";
    IsCiphertext { path: String } =>
        "{path}: it is encrypted by EFS, and what is read is ciphertext",
        "{path}：已由 EFS 加密，读出的是密文";
    CannotBeRead { path: String, error: String } => "{path}: it cannot be read: {error}", "{path}：无法读取：{error}";
    FolderNotEmpty { path: String } => "{path}: the folder is not empty", "{path}：文件夹不是空的";
    ExistsAlready { path: String } => "{path}: it exists already", "{path}：已经存在";
    NameTaken { path: String, index: u32, name: String } =>
        "{path}: image {index} has the name {name:?} already",
        "{path}：映像 {index} 已经使用名称 {name:?}";

    FolderOrVolume => "a folder or --ntfs VOLUME is needed", "需要给出文件夹或 --ntfs VOLUME";
    PartitionOverwritten { path: String, number: u32 } =>
        "{path}: partition {number} would be overwritten",
        "{path}：分区 {number} 将被覆盖";
    WrongHash { path: String, found: String, expected: String } =>
        "{path}: its bytes have SHA-1 {found}, expected {expected}",
        "{path}：内容的 SHA-1 为 {found}，应为 {expected}";
    DataElsewhere { path: String } => "{path}: its data is in another file", "{path}：数据在另一个文件中";
    NeedsOneImage =>
        "--name, --description and --boot need one image, not all",
        "--name、--description 和 --boot 只能用于单个映像";
    TooManyParts { size: String } => "parts of {size} would be too many", "按 {size} 分卷，卷数过多";
    ChunkTooLarge { size: String } => "--chunk-size: {size} is too large", "--chunk-size：{size} 过大";
    Loss { what: String, count: u64, examples: String } =>
        "{what} of {count} entries cannot be kept: {examples}",
        "{count} 个条目的 {what} 无法保留：{examples}";
    FolderUnfinished { path: String } =>
        "{path} holds a part of the image only",
        "{path} 中只有映像的一部分";
    EntriesApplied { entries: u64, bytes: String, directory: String } =>
        "{entries} entries, {bytes} in {directory}",
        "{directory}：{entries} 个条目，共 {bytes}";
    Captured { index: u32, wim: String, files: u64, size: String, file_size: String } =>
        "image {index} of {wim}: {files} files, {size}; the file has {file_size}",
        "{wim} 的映像 {index}：{files} 个文件，共 {size}；文件大小 {file_size}";
    Updated { index: u32, wim: String, files: u64, size: String, file_size: String } =>
        "image {index} of {wim} changed: {files} files, {size}; the file has {file_size}",
        "已更改 {wim} 的映像 {index}：{files} 个文件，共 {size}；文件大小 {file_size}";
    Exported { path: String, images: u64, all: u64, size: String } =>
        "{path}: {images} images exported, {all} in all, {size}",
        "{path}：导出 {images} 个映像，现有 {all} 个，大小 {size}";
    Optimized { path: String, size: String, before: String } =>
        "{path}: {size}, before {before}",
        "{path}：{size}，原为 {before}";
    Joined { path: String, parts: u64, size: String } =>
        "{path}: {parts} parts joined, {size}",
        "{path}：已合并 {parts} 卷，大小 {size}";
    ImageDeleted { index: u32, left: u64, size: String } =>
        "image {index} deleted, {left} left, {size}",
        "已删除映像 {index}，剩余 {left} 个，大小 {size}";
    NoPipe => "such a WIM cannot be written to a pipe: its header comes last", "这样的 WIM 不能写到管道：文件头最后才写";
    CompressionStays =>
        "the compression of a file stays when it gets new data",
        "文件增加新数据时，其压缩方式保持不变";
    StdoutIsTerminal => "a WIM is not written to a terminal", "不会把 WIM 写到终端";
    ExtractUnfinished { path: String } => "not all of the files are in {path}", "文件没有全部提取到 {path}";
    NotAFolder { path: String } => "{path}: it exists already, and is no folder", "{path}：已经存在，且不是文件夹";
    PartsTooSmall { size: String } => "parts of {size} are too small: 16 KiB or more", "分卷大小 {size} 过小：至少 16 KiB";
    NotAFile { path: String } => "{path}: it is not a regular file", "{path}：不是普通文件";
    FileAsBefore { path: String } => "{path} is as it was", "{path} 保持原样";
    ClaimsTooMuch { path: String, claimed: String, stated: String } =>
        "{path}: the blob table claims {claimed} of files, the XML document states {stated}: nothing was recovered",
        "{path}：数据块表声称文件共 {claimed}，而 XML 文档声明为 {stated}：没有恢复任何内容";
    ImageSet { path: String, index: u32 } => "{path}: image {index} changed", "{path}：已更改映像 {index}";
    InUse { path: String } => "{path}: another program is changing it", "{path}：另一个程序正在更改它";
    MarkedReadOnly { path: String } =>
        "{path} is marked read-only in its header",
        "{path} 在其文件头中被标记为只读";
    HoldsBlobs { blobs: u64, size: String } => "holds: {blobs} blobs, {size}", "通过：{blobs} 个数据块，共 {size}";
    Equal { entries: u64 } => "equal: {entries} entries", "相同：{entries} 个条目";
    OneDifference => "1 difference", "1 处不同";
    Differences { count: u64 } => "{count} differences", "{count} 处不同";
    FormattedNtfs { path: String, size: String, cluster_bytes: u64, serial: String } =>
        "{path}: NTFS, {size}, clusters of {cluster_bytes} bytes, serial {serial}",
        "{path}：NTFS，{size}，每簇 {cluster_bytes} 字节，序列号 {serial}";
    FormattedFat { path: String, size: String, files: u64, free: String, id: String } =>
        "{path}: FAT32, {size}, {files} files, {free} free, volume id {id}",
        "{path}：FAT32，{size}，{files} 个文件，剩余 {free}，卷标识 {id}";
    Note => "note", "说明";
    NothingWrong => "nothing wrong", "没有问题";
    NtfsClean { files: u64, directories: u64, used: u64, clusters: u64 } =>
        "nothing wrong: {files} files, {directories} directories, {used} of {clusters} clusters in use",
        "没有问题：{files} 个文件，{directories} 个目录，{clusters} 个簇中已用 {used} 个";
    NtfsUnclean { errors: u64, warnings: u64, suppressed: u64, files: u64, directories: u64, used: u64, clusters: u64 } =>
        "{errors} errors, {warnings} warnings, {suppressed} not shown: {files} files, {directories} directories, {used} of {clusters} clusters in use",
        "{errors} 个错误，{warnings} 个警告，{suppressed} 个未显示：{files} 个文件，{directories} 个目录，{clusters} 个簇中已用 {used} 个";

    // Discs, hives, stores, devices.
    Interrupted => "interrupted", "已中断";
    NothingMatches { path: String } => "nothing matches {path}", "没有与 {path} 匹配的内容";
    LeftOut { path: String } => "{path}: not a file with bytes, left out", "{path}：不是有内容的文件，已略过";
    DiscReadable =>
        "everything can be read (disc images hold no checksums of file data)",
        "全部可以读取（光盘映像不含文件数据的校验和）";
    NoFileOnDisc { path: String } => "{path} is not a file", "{path} 不是文件";
    OtherSizeInTree { view: String, path: String, other_bytes: u64, bytes: u64 } =>
        "{view}: {path} has {other_bytes} bytes there, {bytes} in the most complete tree",
        "{view}：{path} 在其中有 {other_bytes} 字节，在最完整的目录树中有 {bytes} 字节";
    DirectoryCircle => "the volume's directories go round in a circle", "卷上的目录构成循环";
    NameLeadsElsewhere { name: String } => "the volume holds a file named {name:?}", "卷中有名为 {name:?} 的文件";
    NameNotUtf8 { path: String } => "{path}: its name is not UTF-8", "{path}：名称不是 UTF-8";
    NotForFat { path: String } =>
        "{path}: neither a file nor a folder; FAT has nothing for it",
        "{path}：既不是文件也不是文件夹，FAT 无法存储";
    FilesCopied { files: u64, directories: u64, size: String, to: String } =>
        "{files} files in {directories} directories, {size} written to {to}",
        "{directories} 个目录中的 {files} 个文件，共 {size}，已写入 {to}";
    FilesExtracted { files: u64, directories: u64, links: u64, size: String, to: String } =>
        "{files} files, {directories} folders, {links} links, {size} written to {to}",
        "{files} 个文件，{directories} 个文件夹，{links} 个链接，共 {size}，已写入 {to}";
    NoSuchKey { path: String } => "key not found: {path}", "没有这个键：{path}";
    NoSuchValue { path: String } => "value not found: {path}", "没有这个值：{path}";
    NoSuchElement { name: String } => "there is no element {name:?}", "没有元素 {name:?}";
    NoSuchIds => "no device of the store has any of these ids", "存储中没有设备使用这些标识";
    OneData { given: u64 } => "one DATA is needed, {given} given", "需要一个 DATA，给出了 {given} 个";
    NoNumber { text: String } => "{text:?} is not a number", "{text:?} 不是数字";
    NoNumber32 { text: String } => "{text:?} is not a 32-bit number", "{text:?} 不是 32 位数字";
    NoNumber64 { text: String } => "{text:?} is not a 64-bit number", "{text:?} 不是 64 位数字";
    NoHexadecimal { text: String } => "{text:?} is not bytes in hexadecimal", "{text:?} 不是十六进制字节";
    NotOneValue { text: String } => "{text:?} is not one value", "{text:?} 不是单个值";
    NotYesOrNo { text: String } => "{text:?} is not yes or no", "{text:?} 不是 yes 或 no";
    LogsApplied { path: String, entries: u64, pages: u64 } =>
        "{path}: {entries} log entries with {pages} pages were applied",
        "{path}：已应用 {entries} 条日志记录，共 {pages} 页";
    NoTypedDevices => "devices cannot be typed", "设备不能直接输入";
    Deleted { what: String } => "{what} deleted", "已删除 {what}";
    FileWritten { path: String } => "{path} written", "已写入 {path}";
    ElementSet { object: String, element: String } => "{object} {element} set", "已设置 {object} {element}";
    ElementsChanged { count: u64 } => "{count} elements changed", "已更改 {count} 个元素";
    ErrorsAndWarnings { errors: u64, warnings: u64 } =>
        "{errors} errors, {warnings} warnings",
        "{errors} 个错误，{warnings} 个警告";
    WroteAndRead { device: String, data: String, cleared: String } =>
        "{device}: wrote {data} of data, cleared {cleared}, read back and equal",
        "{device}：写入数据 {data}，清除 {cleared}，读回一致";
    Wrote { device: String, data: String, cleared: String } =>
        "{device}: wrote {data} of data, cleared {cleared}, not read back",
        "{device}：写入数据 {data}，清除 {cleared}，未读回";
    BackupTableKept { message: String } =>
        "{message}; a partition tool can move the backup table to the end of the device",
        "{message}；可用分区工具把备份分区表移到设备末尾";
    BackupTableMoved => "the backup table is at the end of the device", "备份分区表已放到设备末尾";
    DevicesShown { writable: u64, refused: u64 } => "{writable} writable, {refused} refused", "{writable} 个可写，{refused} 个被拒绝";
    DevicesHidden { writable: u64, hidden: u64, reasons: String } =>
        "{writable} writable; {hidden} hidden: {reasons}; --all shows them",
        "{writable} 个可写；{hidden} 个未列出：{reasons}；--all 可显示它们";

    // Hints: damaged or unsuitable sources.
    HintImageDamaged =>
        "the image is damaged: copy or download it again and compare its checksum",
        "映像已损坏：请重新复制或下载，并核对校验和";
    HintImageShort =>
        "the file is shorter than it says: copy or download it again",
        "文件不完整：请重新复制或下载";
    HintImageUnsupported =>
        "use another edition of the image, or convert it where it was made",
        "请换用该映像的其他版本，或在制作它的地方转换格式";
    HintDiscDamaged =>
        "the disc image is damaged: download it again and compare its checksum",
        "光盘映像已损坏：请重新下载，并核对校验和";
    HintNotAnImage =>
        "give a Windows ISO, WIM, ESD, or the first part of a split WIM",
        "请给出 Windows 的 ISO、WIM、ESD，或分卷 WIM 的第一卷";
    HintDiscUnsupported =>
        "take the file that you need, such as sources/install.wim, out of the disc image elsewhere and give that",
        "请用其他工具从光盘映像中取出所需的文件（例如 sources/install.wim），然后直接使用该文件";
    HintChooseImage => "choose one with --index, by number or name", "请用 --index 按编号或名称选择";
    HintNotWindows =>
        "choose another image with --index; setup and recovery images do not boot as a stick",
        "请用 --index 选择其他映像；安装程序和恢复环境的映像不能做成可启动盘";
    HintCheckPath => "check the path", "请检查路径";

    HintNameImage => "name one, by number or name", "请按编号或名称指定一个";
    HintGiveName => "give another one with --name", "请用 --name 指定其他名称";
    HintListStreams =>
        "`wtgctl wim ls --json` lists the streams of each file",
        "`wtgctl wim ls --json` 可列出每个文件的数据流";
    HintDamagedOutput => "what was written is damaged: do not use it", "写出的内容已损坏：请勿使用";
    HintList => "`wtgctl wim ls` lists what is there", "`wtgctl wim ls` 可列出现有内容";
    HintNameReference => "name that file with --ref", "请用 --ref 指定那个文件";
    HintExportFirst =>
        "`wtgctl wim export FILE all NEW.wim` makes one that can be split",
        "请先用 `wtgctl wim export FILE all NEW.wim` 生成可以分卷的文件";
    HintPartition =>
        "if it is a disk image, choose the volume with --partition N",
        "如果是磁盘映像，请用 --partition N 选择卷";
    HintTreeSource =>
        "give a folder, an NTFS volume, or with --partition N a disk image",
        "请给出文件夹、NTFS 卷，或加 --partition N 给出磁盘映像";

    HintBcdShow => "`wtgctl bcd show` lists the ids", "`wtgctl bcd show` 可列出标识";
    HintRetarget =>
        "`wtgctl bcd retarget` changes their ids, `wtgctl bcd create` makes a new store",
        "`wtgctl bcd retarget` 可更改设备标识，`wtgctl bcd create` 可新建存储";
    HintDevicePath =>
        "check the path; `wtgctl devices` lists the devices that can be written",
        "请检查路径；`wtgctl devices` 可列出能写入的设备";
    HintDoNotUse =>
        "do not use what is on the device: it was not completed or not confirmed; run the same command again",
        "请勿使用设备上的内容：写入未完成或未确认；请再次运行同样的命令";

    // Hints: targets.
    HintEmptyFolder => "choose an empty folder, or a new one", "请选择空文件夹或新文件夹";
    HintFolderUnfinished =>
        "make room if it is short, empty the folder, then run the same command again",
        "如空间不足请先腾出空间，清空文件夹后再次运行同样的命令";
    HintForce => "say --force when that is what you want", "如果确实要这样做，请加 --force";
    HintLargerPartition =>
        "a partition has the size it has: choose a larger one",
        "分区的大小无法改变：请选择更大的分区";
    HintVolumeUnfinished =>
        "the volume has no boot sector: nothing takes it for finished; run the same command again with --force",
        "该卷没有引导扇区，不会被当作已完成；请加 --force 再次运行同样的命令";
    HintDevices =>
        "`wtgctl devices` shows what can be written, and why the rest cannot",
        "`wtgctl devices` 可列出能写入的设备，以及其余设备不能写入的原因";
    HintDevicesBoth => "`wtgctl devices` shows both", "`wtgctl devices` 可列出这两项";
    HintWholeDevice => "leave it out: the whole device is used", "请去掉它：整个设备都会被使用";
    HintLargerSize => "choose a larger --size", "请选择更大的 --size";
    HintLargerOrCompact =>
        "choose a larger --size, or --compact auto",
        "请选择更大的 --size，或使用 --compact auto";
    HintSizeAtLeast { mib: u64 } => "use --size {mib}M or more", "请使用 --size {mib}M 或更大";
    HintLargerDevice =>
        "a device has the size it has: use a larger one",
        "设备的大小无法改变：请换用更大的设备";
    HintSizeExample => "for example --size 32G", "例如 --size 32G";
    HintReplaceFile => "use --force to replace an existing file", "要替换已有的文件，请用 --force";
    HintOtherName =>
        "choose another name, or replace it with --force",
        "请换一个名称，或用 --force 替换它";
    HintReplaceMedium =>
        "the medium does not keep what is written: replace it",
        "介质不能保持写入的内容：请更换";
    HintMakeRoom =>
        "make room or replace the medium, then run the same command again with the same --seed, and --force for a file",
        "请腾出空间或更换介质，然后用同一个 --seed 再次运行同样的命令（目标是文件时加 --force）";

    HintExportToChange =>
        "`wtgctl wim export FILE all NEW.wim` makes one that can be changed",
        "请先用 `wtgctl wim export FILE all NEW.wim` 生成可以更改的文件";
    HintSplitSize => "sizes are bytes without a unit: say 100M for 100 MiB", "不带单位的大小按字节计：100 MiB 请写 100M";
    HintHelp => "--help shows how the command is used", "--help 可显示命令的用法";
    HintNoPipe => "name a file", "请给出文件名";
    HintSolid =>
        "with --solid, --compress and --chunk-size choose that of the new data",
        "加上 --solid 后，--compress 和 --chunk-size 决定新数据的压缩方式";
    HintPipable => "name a file, or say --pipable", "请给出文件名，或加上 --pipable";
    HintRedirect => "redirect stdout, or name a file", "请重定向标准输出，或给出文件名";
    HintMemoryLimit =>
        "raise --memory-limit, or choose a smaller --chunk-size",
        "请提高 --memory-limit，或选择更小的 --chunk-size";
    HintOtherFolder =>
        "choose another folder with --dest, or replace files with --force",
        "请用 --dest 选择其他文件夹，或用 --force 替换文件";
    HintOtherFile => "choose another name", "请换一个名称";

    // Hints: what to run next.
    HintWait => "wait until that is done, then run the same command again", "请等它完成后再次运行同样的命令";
    HintRunAgain => "run the same command again", "请再次运行同样的命令";
    HintRunAgainSeed =>
        "run the same command again with the same --seed, and --force for a file",
        "请用同一个 --seed 再次运行同样的命令（目标是文件时加 --force）";
    HintMakePlan => "make one with `wtgctl plan … --out FILE`", "请用 `wtgctl plan … --out FILE` 生成";
    HintNewPlan => "make a new plan and look at it", "请重新生成计划并查看";
    HintNewPlanSeed =>
        "leave --seed out, or make a new plan with it",
        "请去掉 --seed，或用它重新生成计划";
    HintIsoList { path: String } => "`wtgctl iso ls {path}` lists what is there", "`wtgctl iso ls {path}` 可列出其中的内容";
    HintNtfsCheck =>
        "`wtgctl ntfs check` lists everything that is wrong with the volume",
        "`wtgctl ntfs check` 可列出该卷的所有问题";
    HintHiveDirty =>
        "give its transaction logs too, or shut Windows down cleanly first",
        "请同时给出它的事务日志，或先正常关闭 Windows";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in braces, in alphabetical order: word order differs between languages.
    fn placeholders(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> = text
            .split('{')
            .skip(1)
            .filter_map(|part| Some(part.split_once('}')?.0))
            .collect();
        names.sort_unstable();
        names
    }

    /// What a user types or looks up: options, and commands in backquotes.
    fn verbatim(text: &str) -> Vec<&str> {
        let mut parts: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        parts.extend(
            text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                .filter(|word| word.starts_with("--")),
        );
        parts.sort_unstable();
        parts
    }

    #[test]
    fn each_message_is_translated_and_says_the_same() {
        for (name, en, zh) in Message::ALL {
            assert_ne!(en, zh, "{name}");
            assert!(en.is_ascii() || en.contains('…'), "{name}: {en}");
            let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(
                zh.contains(is_chinese) || placeholders(zh).len() > 1,
                "{name}: {zh}"
            );
            assert_eq!(placeholders(en), placeholders(zh), "{name}");
            assert_eq!(verbatim(en), verbatim(zh), "{name}");
        }
    }

    #[test]
    fn values_go_in() {
        let message = Message::HintSizeAtLeast { mib: 77 };
        assert_eq!(message.text(Lang::En), "use --size 77M or more");
        assert_eq!(message.text(Lang::Zh), "请使用 --size 77M 或更大");
    }
}
