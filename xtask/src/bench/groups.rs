//! The jobs that are compared, and who does them.

use std::path::{Path, PathBuf};

use crate::sample::{self, Size};

/// One way to do a job: a shell script, run by `sh -e` in an empty folder.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) script: String,
}

/// A job and those who do it; the first is what others are compared with.
pub(crate) struct Group {
    /// The section of docs/benchmarks.md.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// It writes files: write calls are counted.
    pub(crate) writes: bool,
    pub(crate) contestants: Vec<Contestant>,
}

impl Group {
    /// Whether it is about the sample of programs, not the Windows images.
    pub(crate) fn of_programs(&self) -> bool {
        self.id.starts_with("programs-")
    }

    /// The name of the sample it is about; `size` is that of the Windows images.
    pub(crate) fn sample(&self, size: Size) -> &'static str {
        if self.of_programs() {
            "programs"
        } else {
            size.name()
        }
    }

    /// Whether it is run to a disk with sync too: applying to a folder measures the disk's own file system, writing
    /// a WIM the codec.
    pub(crate) fn to_disk(&self) -> bool {
        self.writes && !self.id.contains("apply") && !self.id.starts_with("write-")
    }
}

/// Scripts of both sides for one sample.
pub(crate) struct Jobs {
    wtgctl: PathBuf,
    sample: PathBuf,
    stick_size: &'static str,
    volume_size: &'static str,
    newer: Option<Newer>,
}

/// Programs of Debian unstable, as shell commands: they run under their own loader and libraries.
struct Newer {
    wimlib: String,
    seven_zip: String,
}

impl Newer {
    /// What `cargo xtask oracles newer` has made, if it has.
    fn find() -> Option<Self> {
        let root = testkit::oracles::dir().join("newer");
        root.join("stamp").exists().then(|| {
            let root = root.display();
            let loader = format!(
                "{root}/usr/lib64/ld-linux-x86-64.so.2 --library-path {root}/usr/lib/x86_64-linux-gnu {root}"
            );
            Self {
                wimlib: format!("{loader}/usr/bin/wimlib-imagex"),
                seven_zip: format!("{loader}/usr/lib/7zip/7z"),
            }
        })
    }
}

impl Jobs {
    pub(crate) fn new(size: Size, wtgctl: &Path) -> Self {
        let (stick_size, volume_size) = match size {
            Size::Small => ("1G", "512M"),
            Size::Large => ("4G", "3G"),
        };
        Self {
            wtgctl: wtgctl.to_owned(),
            sample: sample::dir(size),
            stick_size,
            volume_size,
            newer: Newer::find(),
        }
    }

    /// A volume as `volume.img`, by this project.
    pub(crate) fn ntfs(&self, wim: &str, more: &str) -> String {
        format!(
            "{} wim apply {}/{wim} 1 --ntfs volume.img --size {} --seed 7 --quiet {more}",
            self.wtgctl.display(),
            self.sample.display(),
            self.volume_size
        )
    }

    /// A volume as `volume.img`, by mkntfs (which need not zero a new file: `-Q`) and wimlib.
    pub(crate) fn ntfs_peer(&self, wim: &str) -> String {
        self.ntfs_by("-Q", "wimlib-imagex", wim)
    }

    fn ntfs_by(&self, format: &str, wimlib: &str, wim: &str) -> String {
        format!(
            "truncate -s {} volume.img\nmkntfs {format} -q -F volume.img >/dev/null 2>&1\n\
{wimlib} apply {}/{wim} 1 volume.img --quiet",
            self.volume_size,
            self.sample.display()
        )
    }

    /// A whole stick as `stick.img`, by this project.
    pub(crate) fn create(&self, more: &str) -> String {
        format!(
            "{} create {}/install.wim --index 1 --target stick.img --size {} --seed 7 --quiet {more}",
            self.wtgctl.display(),
            self.sample.display(),
            self.stick_size
        )
    }

    /// A whole stick as `stick.img`, by today's programs.
    fn create_peer(&self) -> String {
        let (sample, stick) = (self.sample.display(), self.stick_size);
        let volume = self.ntfs_peer("install.wim");
        format!(
            "truncate -s {stick} stick.img
sgdisk -n 1:0:+260M -t 1:EF00 -n 2:0:+16M -t 2:0C01 -n 3:0:-1M -t 3:0700 stick.img >/dev/null 2>&1
mkdir boot && wimlib-imagex extract {sample}/install.wim 1 /Windows/Boot/EFI /Windows/Boot/Fonts /Windows/Boot/Resources \
--dest-dir=boot --no-acls --quiet 2>/dev/null
truncate -s 260M esp.img && mkfs.fat -F 32 esp.img >/dev/null
mmd -i esp.img ::EFI ::EFI/Boot ::EFI/Microsoft ::EFI/Microsoft/Boot
mcopy -i esp.img boot/EFI/bootmgfw.efi ::EFI/Boot/bootx64.efi
mcopy -s -i esp.img boot/EFI boot/Fonts boot/Resources ::EFI/Microsoft/Boot
{volume}
dd if=esp.img of=stick.img bs=1M seek=1 conv=notrunc,sparse status=none
dd if=volume.img of=stick.img bs=1M seek=277 conv=notrunc,sparse status=none"
        )
    }

    fn verify(&self, file: &Path) -> Vec<Contestant> {
        let file = file.display();
        let mut all = vec![one(
            "wimlib-imagex verify",
            format!("wimlib-imagex verify {file} --quiet"),
        )];
        if let Some(Newer { wimlib, seven_zip }) = &self.newer {
            all.push(one("newer wimlib", format!("{wimlib} verify {file} --quiet")));
            all.push(one("7-Zip t", format!("{seven_zip} t -bso0 -bsp0 {file}")));
        }
        for threads in [1, 2, 4] {
            all.push(one(
                &format!("wtgctl --threads {threads}"),
                format!(
                    "{} wim verify {file} --quiet --threads {threads}",
                    self.wtgctl.display()
                ),
            ));
        }
        all
    }

    fn apply(&self, file: &Path, images: usize) -> Vec<Contestant> {
        let file = file.display();
        let mut all = vec![one(
            "wimlib-imagex apply",
            format!("mkdir out && wimlib-imagex apply {file} 1 out --no-acls --quiet"),
        )];
        if let Some(Newer { wimlib, seven_zip }) = &self.newer {
            all.push(one(
                "newer wimlib",
                format!("mkdir out && {wimlib} apply {file} 1 out --no-acls --quiet"),
            ));
            // 7-Zip shows the images of a file with several as folders, and refuses links upwards without `-snld`.
            let inside = if images > 1 { "'1/*'" } else { "" };
            all.push(one(
                "7-Zip x",
                format!("{seven_zip} x -y -snld -bso0 -bsp0 -oout {file} {inside}"),
            ));
        }
        for threads in [1, 2] {
            all.push(one(
                &format!("wtgctl --threads {threads}"),
                format!(
                    "{} wim apply {file} 1 out --quiet --threads {threads}",
                    self.wtgctl.display()
                ),
            ));
        }
        all
    }

    /// One image written anew by another codec, as `out.wim`.
    fn write(&self, wim: &str, wimlib_form: &str, form: &str) -> Vec<Contestant> {
        let file = self.sample.join(wim);
        let file = file.display();
        let mut all = Vec::new();
        for threads in [1, 2] {
            all.push(one(
                &format!("wimlib-imagex export --threads={threads}"),
                format!(
                    "wimlib-imagex export {file} 1 out.wim {wimlib_form} --threads={threads} --quiet 2>/dev/null"
                ),
            ));
        }
        for threads in [1, 2] {
            all.push(one(
                &format!("wtgctl --threads {threads}"),
                format!(
                    "{} wim export {file} 1 out.wim {form} --quiet --threads {threads}",
                    self.wtgctl.display()
                ),
            ));
        }
        all
    }

    fn ntfs_lzx(&self) -> Vec<Contestant> {
        let mut all = vec![one(
            "mkntfs -Q, wimlib-imagex apply",
            self.ntfs_peer("install.wim"),
        )];
        if let Some(newer) = &self.newer {
            all.push(one(
                "mkntfs -Q, newer wimlib",
                self.ntfs_by("-Q", &newer.wimlib, "install.wim"),
            ));
        }
        all.push(one(
            "mkntfs zeroing, wimlib-imagex apply",
            self.ntfs_by("", "wimlib-imagex", "install.wim"),
        ));
        for (name, more) in [
            ("wtgctl", ""),
            ("wtgctl --threads 1", "--threads 1"),
            ("wtgctl, compact", "--compact auto"),
            ("wtgctl, compact, deferred", "--compact auto --verify deferred"),
        ] {
            all.push(one(name, self.ntfs("install.wim", more)));
        }
        all
    }

    /// Everything that is compared.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let mut groups = self.windows();
        groups.extend(self.programs(&sample::programs::dir()));
        groups
    }

    /// Programs captured from a folder: fewer and larger files than Windows has.
    fn programs(&self, dir: &Path) -> Vec<Group> {
        let file = |name| dir.join(name);
        vec![
            group(
                "programs-verify-lzx",
                "programs, verify: LZX",
                false,
                self.verify(&file("lzx.wim")),
            ),
            group(
                "programs-verify-xpress",
                "programs, verify: XPRESS",
                false,
                self.verify(&file("xpress.wim")),
            ),
            group(
                "programs-verify-lzms",
                "programs, verify: LZMS",
                false,
                self.verify(&file("lzms.wim")),
            ),
            group(
                "programs-verify-solid",
                "programs, verify: solid LZMS",
                false,
                self.verify(&file("solid.esd")),
            ),
            group(
                "programs-apply-lzx",
                "programs, apply: LZX",
                false,
                self.apply(&file("lzx.wim"), 1),
            ),
            group(
                "programs-apply-xpress",
                "programs, apply: XPRESS",
                false,
                self.apply(&file("xpress.wim"), 1),
            ),
            group(
                "programs-apply-solid",
                "programs, apply: solid LZMS",
                false,
                self.apply(&file("solid.esd"), 1),
            ),
        ]
    }

    fn windows(&self) -> Vec<Group> {
        vec![
            group(
                "create",
                "create: a whole stick",
                true,
                vec![
                    one(
                        "sgdisk, mkfs.fat, mcopy, mkntfs -Q, wimlib, dd",
                        self.create_peer(),
                    ),
                    one("wtgctl create", self.create("")),
                    one("wtgctl create --threads 1", self.create("--threads 1")),
                    one("wtgctl create, compact", self.create("--compact auto")),
                    one(
                        "wtgctl create, compact, deferred",
                        self.create("--compact auto --verify deferred"),
                    ),
                ],
            ),
            group(
                "ntfs-lzx",
                "ntfs: a volume from an LZX image",
                true,
                self.ntfs_lzx(),
            ),
            group(
                "ntfs-solid",
                "ntfs: a volume from a solid image",
                true,
                vec![
                    one("mkntfs -Q, wimlib-imagex apply", self.ntfs_peer("install.esd")),
                    one("wtgctl", self.ntfs("install.esd", "")),
                ],
            ),
            group(
                "write-xpress",
                "write: XPRESS",
                true,
                self.write("install.wim", "--compress=XPRESS", "--compress xpress"),
            ),
            group(
                "write-lzx",
                "write: LZX",
                true,
                self.write("boot.wim", "--compress=LZX", "--compress lzx"),
            ),
            group(
                "write-lzms",
                "write: LZMS",
                true,
                self.write("boot.wim", "--compress=LZMS", "--compress lzms"),
            ),
            group(
                "write-solid",
                "write: solid LZMS",
                true,
                self.write("boot.wim", "--solid", "--solid --compress lzms"),
            ),
            group(
                "verify-lzx",
                "verify: LZX",
                false,
                self.verify(&self.sample.join("install.wim")),
            ),
            group(
                "verify-xpress",
                "verify: XPRESS",
                false,
                self.verify(&self.sample.join("boot.wim")),
            ),
            group(
                "verify-solid",
                "verify: solid LZMS",
                false,
                self.verify(&self.sample.join("install.esd")),
            ),
            group(
                "apply-lzx",
                "apply to a folder: LZX",
                true,
                self.apply(&self.sample.join("install.wim"), 2),
            ),
            group(
                "apply-xpress",
                "apply to a folder: XPRESS",
                true,
                self.apply(&self.sample.join("boot.wim"), 1),
            ),
            group(
                "apply-solid",
                "apply to a folder: solid LZMS",
                true,
                self.apply(&self.sample.join("install.esd"), 2),
            ),
        ]
    }
}

fn one(name: &str, script: String) -> Contestant {
    Contestant {
        name: name.to_owned(),
        script,
    }
}

fn group(id: &'static str, title: &'static str, writes: bool, contestants: Vec<Contestant>) -> Group {
    Group {
        id,
        title,
        writes,
        contestants,
    }
}
