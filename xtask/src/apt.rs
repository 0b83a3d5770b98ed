//! Debian packages: installed on this machine when missing, or unpacked into a folder of their own.
//!
//! Unpacking never touches the machine: package lists, caches and the (empty) status file lie in the folder, so
//! apt resolves the whole dependency closure. The mirror is the machine's own.

use std::path::Path;
use std::process::Command;

use crate::sh::{self, Result};

/// The packages of a list that are not installed.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    packages
        .iter()
        .copied()
        .filter(|package| {
            Command::new("dpkg-query")
                .args(["-W", "-f", "${db:Status-Status}", package])
                .output()
                .map_or(true, |out| out.stdout != b"installed")
        })
        .collect()
}

/// Installs the missing ones of a list; returns their names.
pub(crate) fn install(packages: &[&str]) -> Result<Vec<String>> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    sh::run(as_root(&["update", "-q"])?.env("DEBIAN_FRONTEND", "noninteractive"))?;
    let mut install = as_root(&["install", "-y", "-q", "--no-install-recommends"])?;
    sh::run(install.env("DEBIAN_FRONTEND", "noninteractive").args(&missing))?;
    Ok(missing.into_iter().map(str::to_owned).collect())
}

/// `apt-get` with root's rights: directly, or through `sudo`.
fn as_root(args: &[&str]) -> Result<Command> {
    let is_root = sh::read(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else if sh::has("sudo") {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    } else {
        return Err(format!("packages are missing; run as root: apt-get {}", args.join(" ")).into());
    };
    command
        .args(["-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=600"])
        .args(args);
    Ok(command)
}

/// A suite of the machine's own mirror, with lists and caches in a folder of its own.
pub(crate) struct Suite<'a> {
    name: &'a str,
    dir: &'a Path,
}

impl<'a> Suite<'a> {
    /// Fetches the package lists of a suite into `dir`.
    pub(crate) fn open(name: &'a str, dir: &'a Path) -> Result<Self> {
        for sub in ["lists/partial", "cache/archives/partial"] {
            std::fs::create_dir_all(dir.join(sub))?;
        }
        std::fs::write(dir.join("status"), "")?;
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let mirror = mirror()?;
        std::fs::write(
            dir.join("sources.list"),
            format!("deb [signed-by={keyring}] {mirror} {name} main\n"),
        )?;
        let suite = Self { name, dir };
        sh::run(suite.apt("apt-get").arg("update"))?;
        Ok(suite)
    }

    /// A program of apt's that sees this suite alone.
    fn apt(&self, program: &str) -> Command {
        let dir = self.dir.display();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::Etc::sourcelist={dir}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".into(),
            format!("Dir::State::lists={dir}/lists"),
            format!("Dir::State::status={dir}/status"),
            format!("Dir::Cache={dir}/cache"),
            "Acquire::Check-Valid-Until=false".into(),
            "Acquire::Languages=none".into(),
            "Acquire::Retries=5".into(),
            "APT::Architecture=amd64".into(),
            "APT::Architectures=amd64".into(),
            "APT::Install-Recommends=false".into(),
            "APT::Sandbox::User=root".into(),
            "Debug::NoLocking=true".into(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    /// The newest package whose name starts with `prefix` and ends with `suffix`, with a version between.
    pub(crate) fn newest(&self, prefix: &str, suffix: &str) -> Result<String> {
        let names = sh::read(self.apt("apt-cache").args(["pkgnames", prefix]))?;
        let mut found: Vec<&str> = names
            .lines()
            .filter(|name| {
                let middle = name
                    .strip_prefix(prefix)
                    .and_then(|rest| rest.strip_suffix(suffix));
                // Neither the metapackages nor the flavours (cloud, rt, dbg).
                middle.is_some_and(|m| m.starts_with(|c: char| c.is_ascii_digit()) && !m.contains('-'))
            })
            .collect();
        found.sort_by_key(|name| version_key(name));
        let newest = found
            .last()
            .ok_or_else(|| format!("no {prefix}*{suffix} in {}", self.name))?;
        Ok((*newest).to_owned())
    }

    /// A package and those it depends on directly whose names have `part`: a kernel's image and its modules lie in
    /// packages of their own in newer releases.
    pub(crate) fn with_parts(&self, package: &str, part: &str) -> Result<Vec<String>> {
        let depends = sh::read(self.apt("apt-cache").args(["depends", "-i", package]))?;
        let parts = depends
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .filter(|name| name.contains(part));
        Ok(std::iter::once(package).chain(parts).map(str::to_owned).collect())
    }

    /// Downloads packages with everything they depend on and unpacks all of it into `root`.
    pub(crate) fn unpack_closure(&self, packages: &[&str], root: &Path) -> Result {
        sh::run(
            self.apt("apt-get")
                .args(["install", "-y", "-q", "--download-only"])
                .args(packages),
        )?;
        self.unpack_archives(&self.dir.join("cache/archives"), root)
    }

    /// Downloads packages without what they depend on and unpacks them into `root`.
    pub(crate) fn unpack_alone(&self, packages: &[String], root: &Path) -> Result {
        let downloads = self.dir.join("downloads");
        std::fs::create_dir_all(&downloads)?;
        sh::run(
            self.apt("apt-get")
                .current_dir(&downloads)
                .args(["download", "-q"])
                .args(packages),
        )?;
        self.unpack_archives(&downloads, root)
    }

    fn unpack_archives(&self, archives: &Path, root: &Path) -> Result {
        std::fs::create_dir_all(root)?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(archives)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "deb") {
                names.push(path);
            }
        }
        // Where / is merged into /usr, packages may still carry /lib and /bin: unpack them through links.
        for merged in ["bin", "lib", "lib64", "sbin"] {
            let link = root.join(merged);
            std::fs::create_dir_all(root.join("usr").join(merged))?;
            if !link.exists() {
                std::os::unix::fs::symlink(format!("usr/{merged}"), link)?;
            }
        }
        names.sort();
        let mut versions = String::new();
        for deb in &names {
            // tar keeps the links above as they are, which `dpkg-deb -x` does not promise.
            let mut unpack = Command::new("dpkg-deb");
            unpack
                .arg("--fsys-tarfile")
                .arg(deb)
                .stdout(std::process::Stdio::piped());
            let mut child = unpack.spawn()?;
            let tar = child.stdout.take().ok_or("dpkg-deb gives no output")?;
            let status = Command::new("tar")
                .args(["-x", "--keep-directory-symlink", "--no-same-owner", "-C"])
                .arg(root)
                .stdin(tar)
                .status()?;
            if !(child.wait()?.success() && status.success()) {
                return Err(format!("cannot unpack {}", deb.display()).into());
            }
            if let Some(name) = deb.file_stem().and_then(|n| n.to_str()) {
                versions.push_str(name);
                versions.push('\n');
            }
        }
        std::fs::write(root.join("packages.txt"), versions)?;
        std::fs::remove_dir_all(self.dir)?;
        Ok(())
    }
}

/// The numbers in a package's name, so that 6.12.9 sorts before 6.12.10.
fn version_key(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// The mirror that this machine installs its release from.
fn mirror() -> Result<String> {
    let codename = sh::read_or_empty(Path::new("/etc/os-release"))
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME=").map(str::to_owned))
        .ok_or("no VERSION_CODENAME in /etc/os-release")?;
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(dir) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(dir.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    files
        .iter()
        .find_map(|file| mirror_in(&sh::read_or_empty(file), &codename))
        .ok_or_else(|| format!("no source of {codename} in /etc/apt").into())
}

/// The address in an apt source file that has the plain suite `codename`: one-line or deb822 style.
fn mirror_in(text: &str, codename: &str) -> Option<String> {
    let one_line = text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => rest,
        };
        let mut words = rest.split_whitespace();
        let address = words.next()?;
        (words.next()? == codename).then(|| address.to_owned())
    });
    one_line.or_else(|| {
        text.split("\n\n").find_map(|stanza| {
            let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name));
            let suites = field("Suites:")?;
            let addresses = field("URIs:")?;
            suites
                .split_whitespace()
                .any(|suite| suite == codename)
                .then(|| addresses.split_whitespace().next().map(str::to_owned))?
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirror_is_read_from_both_styles() {
        let deb822 = "Types: deb\nURIs: http://m/sec\nSuites: bookworm-security\n\nTypes: deb\n# x\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\n";
        assert_eq!(mirror_in(deb822, "bookworm").as_deref(), Some("http://m/debian"));
        let lines = "# c\ndeb [signed-by=/k] http://m/sec bookworm-security main\ndeb http://m/debian bookworm main\n";
        assert_eq!(mirror_in(lines, "bookworm").as_deref(), Some("http://m/debian"));
        assert_eq!(mirror_in(lines, "trixie"), None);
    }

    #[test]
    fn versions_sort_as_numbers() {
        let mut names = [
            "linux-image-6.12.9+deb12-amd64",
            "linux-image-6.12.10+deb12-amd64",
        ];
        names.sort_by_key(|n| version_key(n));
        assert_eq!(names[1], "linux-image-6.12.10+deb12-amd64");
    }
}
