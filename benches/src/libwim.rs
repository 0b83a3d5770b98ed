//! Codecs of the system's libwim, through its C interface.
#![allow(unsafe_code, reason = "libwim is a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use wim_apply::codec::Codec;

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type CreateDecompressor = unsafe extern "C" fn(c_int, usize, *mut *mut c_void) -> c_int;
type Decompress = unsafe extern "C" fn(*const c_void, usize, *mut c_void, usize, *mut c_void) -> c_int;
type CreateCompressor = unsafe extern "C" fn(c_int, usize, u32, *mut *mut c_void) -> c_int;
type Compress = unsafe extern "C" fn(*const c_void, usize, *mut c_void, usize, *mut c_void) -> usize;

fn symbol(name: &CStr) -> *mut c_void {
    const RTLD_NOW: c_int = 2;
    // SAFETY: the name is a C string. The library is never unloaded; it is opened more than once.
    let library = unsafe { dlopen(c"libwim.so.15".as_ptr(), RTLD_NOW) };
    assert!(!library.is_null(), "libwim15 is not installed");
    // SAFETY: the library is loaded and the name is a C string.
    let address = unsafe { dlsym(library, name.as_ptr()) };
    assert!(!address.is_null(), "{name:?}");
    address
}

/// The library's number for the format, once the library is initialised.
fn format(codec: Codec) -> c_int {
    // SAFETY: the type is that of wimlib.h; the call may be repeated.
    let status = unsafe {
        let init = symbol(c"wimlib_global_init");
        std::mem::transmute::<*mut c_void, unsafe extern "C" fn(c_int) -> c_int>(init)(0)
    };
    assert_eq!(status, 0);
    match codec {
        Codec::Xpress => 1,
        Codec::Lzx => 2,
        Codec::Lzms => 3,
    }
}

/// A function that decodes a chunk, of up to `chunk_bytes`, into an output of its size.
///
/// # Panics
/// When libwim is not installed or has no such format; the function, when a chunk is not valid.
pub fn decoder(codec: Codec, chunk_bytes: u32) -> impl FnMut(&[u8], &mut [u8]) {
    let format = format(codec);
    let mut state = ptr::null_mut();
    // SAFETY: the types are those of wimlib.h. `state` takes the new decompressor, which lives as long as the process.
    let decompress = unsafe {
        let create = symbol(c"wimlib_create_decompressor");
        let create = std::mem::transmute::<*mut c_void, CreateDecompressor>(create);
        assert_eq!(create(format, chunk_bytes as usize, &raw mut state), 0);
        std::mem::transmute::<*mut c_void, Decompress>(symbol(c"wimlib_decompress"))
    };
    move |input, output| {
        let (from, to) = (input.as_ptr().cast(), output.as_mut_ptr().cast());
        // SAFETY: both buffers have the lengths given.
        let status = unsafe { decompress(from, input.len(), to, output.len(), state) };
        assert_eq!(status, 0);
    }
}

/// A function that encodes a chunk, of up to `chunk_bytes`, at the library's default level, in place of what the output
/// holds. `None` when the chunk does not become smaller.
///
/// # Panics
/// When libwim is not installed or has no such format.
pub fn encoder(codec: Codec, chunk_bytes: u32) -> impl FnMut(&[u8], &mut Vec<u8>) -> Option<()> {
    let format = format(codec);
    let mut state = ptr::null_mut();
    // SAFETY: the types are those of wimlib.h. `state` takes the new compressor, which lives as long as the process.
    let compress = unsafe {
        let create = symbol(c"wimlib_create_compressor");
        let create = std::mem::transmute::<*mut c_void, CreateCompressor>(create);
        assert_eq!(create(format, chunk_bytes as usize, 0, &raw mut state), 0);
        std::mem::transmute::<*mut c_void, Compress>(symbol(c"wimlib_compress"))
    };
    move |input, output| {
        output.resize(input.len().saturating_sub(1), 0);
        let (from, to) = (input.as_ptr().cast(), output.as_mut_ptr().cast());
        // SAFETY: both buffers have the lengths given.
        let size = unsafe { compress(from, input.len(), to, output.len(), state) };
        output.truncate(size);
        (size > 0).then_some(())
    }
}
