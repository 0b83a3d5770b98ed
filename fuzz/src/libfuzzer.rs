//! All targets in one program, so that there is one thing to link: the environment variable `WTG_FUZZ_TARGET` names the
//! target. libFuzzer has the command line.
#![no_main]

use std::sync::OnceLock;

static BODY: OnceLock<fn(&[u8])> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("WTG_FUZZ_TARGET").expect("WTG_FUZZ_TARGET names a target");
        let (_, body) = wtg_fuzz::TARGETS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("no target {name:?}"));
        BODY.set(*body).expect("initialised once");
    },
    |data: &[u8]| BODY.get().expect("initialised")(data)
);
