//! The decoders of the system's libwim, through its C interface.
#![allow(unsafe_code, reason = "libwim is a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use wim_apply::codec::Codec;

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Create = unsafe extern "C" fn(c_int, usize, *mut *mut c_void) -> c_int;
type Decompress = unsafe extern "C" fn(*const c_void, usize, *mut c_void, usize, *mut c_void) -> c_int;

/// libwim's decoder of chunks of up to `chunk_bytes`: it tells whether it took the chunk. `None` when tests do without
/// foreign programs and the library is not installed.
pub fn decoder(codec: Codec, chunk_bytes: u32) -> Option<impl FnMut(&[u8], &mut [u8]) -> bool> {
    const RTLD_NOW: c_int = 2;
    // SAFETY: the name is a C string. The library is never unloaded.
    let library = unsafe { dlopen(c"libwim.so.15".as_ptr(), RTLD_NOW) };
    if library.is_null() {
        assert!(testkit::oracles::may_skip(), "libwim.so.15 is not installed");
        return None;
    }
    let symbol = |name: &CStr| {
        // SAFETY: the library is loaded and the name is a C string.
        let address = unsafe { dlsym(library, name.as_ptr()) };
        assert!(!address.is_null(), "{name:?}");
        address
    };
    let format = match codec {
        Codec::Xpress => 1,
        Codec::Lzx => 2,
        Codec::Lzms => 3,
    };
    let mut state = ptr::null_mut();
    // SAFETY: the types are those of wimlib.h; a call with the default flags initialises the library, more than once
    // if need be. `state` takes the new decompressor, which lives as long as the process.
    let decompress = unsafe {
        let init: unsafe extern "C" fn(c_int) -> c_int = std::mem::transmute(symbol(c"wimlib_global_init"));
        assert_eq!(init(0), 0);
        let create = std::mem::transmute::<*mut c_void, Create>(symbol(c"wimlib_create_decompressor"));
        assert_eq!(create(format, chunk_bytes as usize, &raw mut state), 0);
        std::mem::transmute::<*mut c_void, Decompress>(symbol(c"wimlib_decompress"))
    };
    Some(move |input: &[u8], output: &mut [u8]| {
        let (from, to) = (input.as_ptr().cast(), output.as_mut_ptr().cast());
        // SAFETY: both buffers have the lengths given.
        unsafe { decompress(from, input.len(), to, output.len(), state) == 0 }
    })
}
