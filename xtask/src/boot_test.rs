//! `cargo xtask boot-test`: a stick boots in QEMU under OVMF, to a marker on the serial line.
//!
//! The sample's boot manager is GRUB with a script (`sample/bootmgfw.cfg`): it finds the Windows volume, prints a
//! file of it and the hash of another. With the user's own boot manager (`WTGCTL_TEST_BOOTMGR_DIR` when the sample
//! was made) the screen is what tells: it is kept as a picture.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::sh::Result;

/// What to boot.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A disk image; it is not changed.
    image: PathBuf,
    /// The files are stored compact, which GRUB cannot read: only the small file counts.
    #[arg(long)]
    compact: bool,
    /// Logical sector size of the disk.
    #[arg(long, default_value_t = 512)]
    sector_size: u32,
    /// Seconds until it has failed.
    #[arg(long, default_value_t = 180)]
    timeout: u64,
}

const END: &str = "wtgctl-boot: end";
/// What Microsoft's boot manager shows when the store, the partition or the loader is not as it should be.
const FAULTS: &[&str] = &[
    "0xc0000225",
    "0xc000000f",
    "0xc0000034",
    "0xc0000024",
    "0xc0000098",
];

/// Boots the image and checks what it says.
pub(crate) fn run(args: &Args) -> Result {
    let text = boot(args)?;
    println!(
        "{}",
        text.lines()
            .filter(|line| is_ours(line))
            .collect::<Vec<_>>()
            .join("\n")
    );
    Ok(())
}

fn is_ours(line: &str) -> bool {
    line.contains("wtgctl-boot") || line.contains("ntdll.dll") || line.contains("Windows volume")
}

/// Boots an image with all defaults and prints what it says.
pub(crate) fn show(image: &Path) -> Result {
    run(&Args {
        image: image.to_path_buf(),
        compact: false,
        sector_size: 512,
        timeout: 300,
    })
}

/// Boots an image with all defaults but these.
pub(crate) fn check(image: &Path, compact: bool, sector_size: u32) -> Result {
    let args = Args {
        image: image.to_path_buf(),
        compact,
        sector_size,
        timeout: 300,
    };
    boot(&args).map(|_| ())
}

fn boot(args: &Args) -> Result<String> {
    let dir = tempfile::tempdir()?;
    let serial = dir.path().join("serial");
    let monitor = dir.path().join("monitor");
    let mut machine = start(args, dir.path(), &serial, &monitor)?;
    let own_boot_manager = std::env::var_os("WTGCTL_TEST_BOOTMGR_DIR").is_some();
    let limit = Duration::from_secs(if own_boot_manager { 90 } else { args.timeout });
    let start = Instant::now();
    let text = loop {
        let text = clean(&std::fs::read(&serial).unwrap_or_default());
        let ended = machine.try_wait()?.is_some();
        if text.contains(END) || ended || start.elapsed() > limit {
            break text;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if own_boot_manager {
        let picture = args.image.with_extension("boot.png");
        screenshot(&monitor, &picture);
        println!("the screen is in {}", picture.display());
    }
    machine.kill().ok();
    machine.wait()?;
    if own_boot_manager {
        return match FAULTS.iter().find(|fault| text.contains(**fault)) {
            Some(fault) => Err(format!("the boot manager shows {fault}\n{text}").into()),
            None => Ok(text),
        };
    }
    judge(&text, args.compact)?;
    Ok(text)
}

/// Whether what was printed proves that the volume was read.
fn judge(text: &str, compact: bool) -> Result {
    let fail = |what: &str| Err(format!("{what}; the serial line said:\n{text}").into());
    if !text.contains("wtgctl-boot: the store is there") {
        return fail("no boot configuration store beside the boot manager");
    }
    let Some(hash) = text
        .split("ntdll.dll has ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
    else {
        return fail("the file on the Windows volume was not read");
    };
    // Once in the file, once computed from the volume.
    if !compact && text.matches(hash).count() < 2 {
        return fail("ntdll.dll on the Windows volume has another hash than its source");
    }
    if !text.contains(END) {
        return fail("the program did not come to its end");
    }
    Ok(())
}

fn start(args: &Args, dir: &Path, serial: &Path, monitor: &Path) -> Result<Child> {
    let variables = dir.join("variables.fd");
    std::fs::copy("/usr/share/OVMF/OVMF_VARS_4M.fd", &variables)?;
    let image = args
        .image
        .canonicalize()?
        .display()
        .to_string()
        .replace(',', ",,");
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-machine",
        "q35,accel=tcg",
        "-cpu",
        "max",
        "-m",
        "512",
        "-display",
        "none",
    ])
    .args(["-no-reboot", "-nic", "none"])
    .args([
        "-drive",
        "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
    ])
    .args([
        "-drive",
        &format!("if=pflash,unit=1,format=raw,file={}", variables.display()),
    ])
    .args([
        "-drive",
        &format!("if=none,id=stick,format=raw,snapshot=on,file={image}"),
    ])
    .args(["-device", "qemu-xhci", "-device"])
    .arg(format!(
        "usb-storage,drive=stick,removable=on,logical_block_size={0},physical_block_size={0}",
        args.sector_size
    ))
    .args(["-serial", &format!("file:{}", serial.display())])
    .args([
        "-monitor",
        &format!("unix:{},server=on,wait=off", monitor.display()),
    ]);
    qemu.stdin(Stdio::null()).stdout(Stdio::null());
    Ok(qemu
        .spawn()
        .map_err(|e| format!("qemu-system-x86_64: {e}: cargo xtask setup"))?)
}

/// Text without the terminal's control sequences.
fn clean(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut in_sequence = false;
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\u{1b}' => in_sequence = true,
            _ if in_sequence => in_sequence = !c.is_ascii_alphabetic(),
            '\n' => text.push(c),
            _ if c.is_control() => {}
            _ => text.push(c),
        }
    }
    text
}

/// Asks QEMU's monitor for a picture of the screen.
fn screenshot(monitor: &Path, picture: &Path) {
    use std::io::Write;
    if let Ok(mut socket) = std::os::unix::net::UnixStream::connect(monitor) {
        let _ = writeln!(socket, "screendump {} -f png", picture.display());
        std::thread::sleep(Duration::from_secs(2));
    }
    if !picture.exists() {
        println!("no picture of the screen");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_hash_is_no_proof() {
        let good = "wtgctl-boot: the store is there\nread from the Windows volume\nntdll.dll has aa11\naa11  (hd0)\nwtgctl-boot: end";
        assert!(judge(good, false).is_ok());
        let wrong = good.replace("aa11  (", "bb22  (");
        assert!(judge(&wrong, false).is_err());
        assert!(judge(&wrong, true).is_ok());
        assert!(judge("wtgctl-boot: end", true).is_err());
        assert!(judge(&good.replace("end", ""), false).is_err());
    }

    #[test]
    fn control_sequences_vanish() {
        assert_eq!(clean(b"\x1b[2J\x1b[01;01Hab\r\nc"), "ab\nc");
    }
}
