//! Hives that were not closed cleanly, and their transaction logs.

use regf_hive::{Error, ErrorKind, Hive, Limits, Value, WriteOptions, recover};

#[test]
fn a_dirty_hive_is_refused_and_can_be_looked_at() {
    let Some(bytes) = testkit::sample("hives/regipy-SYSTEM_2.xz") else {
        return;
    };
    let error = Hive::read(&bytes, &Limits::default()).expect_err("dirty");
    assert!(
        matches!(
            error,
            Error::Dirty {
                primary: 0xcd,
                secondary: 0xcc
            }
        ),
        "{error}"
    );
    assert!(Hive::read_dirty(&bytes, &Limits::default()).is_ok());
    let error = recover(&bytes, &[], &Limits::default()).expect_err("no logs");
    assert_eq!(error.kind(), ErrorKind::Dirty);
}

/// regipy recovers by code of its own: the sectors must be the same.
#[test]
fn logs_of_windows_10_are_applied() {
    let Some(hive) = testkit::sample("hives/regipy-SYSTEM_B.xz") else {
        return;
    };
    let logs = ["hives/regipy-SYSTEM_B.LOG1.xz", "hives/regipy-SYSTEM_B.LOG2.xz"]
        .map(|name| testkit::sample(name).expect("log"));
    let limits = Limits::default();
    let forward = recover(&hive, &[&logs[0], &logs[1]], &limits).expect("recover");
    let backward = recover(&hive, &[&logs[1], &logs[0]], &limits).expect("recover");
    assert!(forward == backward, "the order of the logs must not matter");
    let recovered = Hive::read(&forward.bytes, &limits).expect("read");
    assert!(!recovered.header().is_dirty());

    let dir = tempfile::tempdir().expect("tempdir");
    for (name, bytes) in [("hive", &hive), ("LOG1", &logs[0]), ("LOG2", &logs[1])] {
        std::fs::write(dir.path().join(name), bytes).expect("write");
    }
    let Some(mut python) = testkit::oracles::python() else {
        return;
    };
    let script = "import sys\n\
        from regipy.recovery import apply_transaction_logs\n\
        d = sys.argv[1]\n\
        apply_transaction_logs(d + '/hive', d + '/LOG1', d + '/LOG2', d + '/restored')\n";
    testkit::run(python.arg("-c").arg(script).arg(dir.path()));
    let theirs = std::fs::read(dir.path().join("restored")).expect("restored");
    // regipy 6.5 leaves out the last two pages of the last entry: its result does not hold together as a tree,
    // ours does. All other sectors are equal.
    let (theirs, ours) = (&theirs[4096..], &forward.bytes[4096..]);
    let differing = theirs
        .chunks(512)
        .zip(ours.chunks(512))
        .filter(|(t, o)| t != o)
        .count();
    assert!(
        differing <= 16 && theirs.len() == ours.len(),
        "{differing} sectors differ"
    );
    assert_eq!((forward.entries_applied, forward.pages_applied), (24, 315));
}

/// The same state as a log of Windows 7 would have it: torn pages of a hive, and the log that mends them.
#[test]
fn a_log_with_a_bitmap_is_applied() {
    let mut hive = Hive::new("ROOT", vec![1, 0, 4, 0x80], 5).expect("new");
    for n in 0..200 {
        hive.set_value(&format!("key{n}"), Value::dword("n", n))
            .expect("set");
    }
    let good = hive.write(&WriteOptions::new().last_written(77)).expect("write");
    let bins = good.len() - 4096;

    // The log: a base block of type 1, the bitmap, the dirty sectors.
    let mut log = good[..512].to_vec();
    log[28] = 1;
    let sum = log[..508]
        .as_chunks::<4>()
        .0
        .iter()
        .fold(0, |sum, w| sum ^ u32::from_le_bytes(*w));
    log[508..].copy_from_slice(&sum.to_le_bytes());
    log.extend(b"DIRT");
    let bitmap: Vec<u8> = (0..bins / 512 / 8)
        .map(|at| if at == 1 { 0xff } else { 0 })
        .collect();
    log.extend(&bitmap);
    log.resize(512 + (4 + bitmap.len()).next_multiple_of(512), 0);
    log.extend(&good[4096 + 4096..4096 + 8192]);

    let mut torn = good.clone();
    torn[4] += 1;
    let sum = torn[..508]
        .as_chunks::<4>()
        .0
        .iter()
        .fold(0, |sum, w| sum ^ u32::from_le_bytes(*w));
    torn[508..512].copy_from_slice(&sum.to_le_bytes());
    torn[4096 + 4096 + 100..4096 + 8192].fill(0xee);
    let recovered = recover(&torn, &[&log], &Limits::default()).expect("recover");
    assert_eq!((recovered.entries_applied, recovered.pages_applied), (1, 8));
    let again = Hive::read(&recovered.bytes, &Limits::default()).expect("read");
    assert!(again.root() == hive.root());

    // Another write's log is not for this hive.
    let other = hive.write(&WriteOptions::new().last_written(78)).expect("write");
    log[..512].copy_from_slice(&other[..512]);
    assert!(recover(&torn, &[&log], &Limits::default()).is_err());
}
