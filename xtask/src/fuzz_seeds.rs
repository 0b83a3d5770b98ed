//! Small valid files by foreign programs, for fuzzing to start from.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sh::{self, Result};

/// Makes seeds below `dir`, a folder for each target.
pub(crate) fn make(dir: &Path) -> Result {
    let work = tempfile::tempdir()?;
    let work = work.path();
    let tree = work.join("tree");
    std::fs::create_dir_all(tree.join("folder"))?;
    std::fs::write(tree.join("file.txt"), "content ".repeat(500))?;
    std::fs::write(tree.join("folder/small"), "x")?;
    let blank = |name: &str, kib: u64| -> Result<PathBuf> {
        let path = work.join(name);
        std::fs::File::create(&path)?.set_len(kib * 1024)?;
        Ok(path)
    };
    let seed = |targets: &[&str], name: &str, file: &Path| -> Result {
        for target in targets {
            let folder = dir.join(target);
            std::fs::create_dir_all(&folder)?;
            std::fs::copy(file, folder.join(name))?;
        }
        Ok(())
    };

    let gpt = blank("gpt", 128)?;
    sh::run(
        Command::new("sgdisk")
            .args(["-a", "8", "-n", "1:0:+16K", "-t", "1:EF00", "-n", "2:0:0"])
            .arg(&gpt),
    )?;
    seed(&["gpt"], "sgdisk", &gpt)?;
    // The target adds the zeros that follow.
    let fat = blank("fat", 1024)?;
    sh::run(Command::new("mkfs.fat").args(["-F", "32", "-s", "1"]).arg(&fat))?;
    std::fs::File::options()
        .write(true)
        .open(&fat)?
        .set_len(32 * 1024)?;
    seed(&["fat"], "mkfs.fat", &fat)?;
    for (name, option) in [("iso", "-J"), ("rock-ridge", "-R"), ("bridge", "-udf")] {
        let file = work.join(name);
        sh::run(
            Command::new("genisoimage")
                .args(["-quiet", "-no-pad", option, "-o"])
                .arg(&file)
                .arg(&tree),
        )?;
        seed(&["iso", "udf"], name, &file)?;
    }
    for compress in ["none", "XPRESS", "LZX", "LZMS"] {
        let file = work.join(compress);
        let option = format!("--compress={compress}");
        sh::run(
            Command::new("wimlib-imagex")
                .arg("capture")
                .arg(&tree)
                .arg(&file)
                .args(["N", &option]),
        )?;
        seed(&["wim_header"], compress, &file)?;
        let xml = work.join("xml");
        sh::run(
            Command::new("wimlib-imagex")
                .arg("info")
                .arg(&file)
                .arg("--extract-xml")
                .arg(&xml),
        )?;
        seed(&["wim_xml"], compress, &xml)?;
    }
    let raw = work.join("raw");
    std::fs::write(&raw, testkit::efs::sparse_raw_form())?;
    seed(&["efs_raw"], "specification", &raw)?;
    // The first byte chooses one of the files that the target holds; no changes follow.
    for choice in 0..6 {
        let file = work.join("choice");
        std::fs::write(&file, [choice])?;
        seed(&["wim_file"], &format!("unchanged{choice}"), &file)?;
    }
    let hives = work.join("hives");
    std::fs::create_dir(&hives)?;
    crate::sample::write_hives(&hives)?;
    for name in ["SYSTEM", "SOFTWARE", "NTUSER.DAT"] {
        seed(&["hive", "bcd"], name, &hives.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn seeds_are_made() {
        let dir = tempfile::tempdir().unwrap();
        super::make(dir.path()).unwrap();
        for target in [
            "bcd",
            "efs_raw",
            "fat",
            "gpt",
            "hive",
            "iso",
            "udf",
            "wim_file",
            "wim_header",
            "wim_xml",
        ] {
            assert!(dir.path().join(target).is_dir(), "{target}");
        }
    }
}
