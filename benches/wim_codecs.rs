//! Codecs against the libwim that the system has, in one process and on the same chunks.
//!
//! The data is the benchmark's own executable, or the file that `WTGCTL_BENCH_DATA` names; libwim compresses it.
#![allow(unsafe_code, reason = "libwim is a C library")]
#![allow(missing_docs, reason = "criterion_main")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads its environment")]
#![allow(clippy::print_stdout, reason = "sizes belong to the speed of encoders")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::hint::black_box;
use std::ptr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wim_apply::codec::{Codec, Decoder, Encoder};

const MAX_BYTES: usize = 32 << 20;
/// Of them, those that are encoded.
const MAX_ENCODED_BYTES: usize = 8 << 20;

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

type Create = unsafe extern "C" fn(c_int, usize, *mut *mut c_void) -> c_int;
type Decompress = unsafe extern "C" fn(*const c_void, usize, *mut c_void, usize, *mut c_void) -> c_int;
type CreateCompressor = unsafe extern "C" fn(c_int, usize, u32, *mut *mut c_void) -> c_int;
type Compress = unsafe extern "C" fn(*const c_void, usize, *mut c_void, usize, *mut c_void) -> usize;

/// The public functions of libwim that are needed.
struct Libwim {
    create_decompressor: Create,
    decompress: Decompress,
    create_compressor: CreateCompressor,
    compress: Compress,
}

impl Libwim {
    /// `None` when the library is not installed.
    fn load() -> Option<Self> {
        const RTLD_NOW: c_int = 2;
        // SAFETY: the name is a C string. The library is never unloaded.
        let library = unsafe { dlopen(c"libwim.so.15".as_ptr(), RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let symbol = |name: &CStr| {
            // SAFETY: the library is loaded and the name is a C string.
            let address = unsafe { dlsym(library, name.as_ptr()) };
            assert!(!address.is_null(), "{name:?}");
            address
        };
        // SAFETY: the types are those of wimlib.h; calls with the default flags initialise the library.
        unsafe {
            let init: unsafe extern "C" fn(c_int) -> c_int =
                std::mem::transmute(symbol(c"wimlib_global_init"));
            assert_eq!(init(0), 0);
            Some(Self {
                create_decompressor: std::mem::transmute::<*mut c_void, Create>(symbol(
                    c"wimlib_create_decompressor",
                )),
                decompress: std::mem::transmute::<*mut c_void, Decompress>(symbol(c"wimlib_decompress")),
                create_compressor: std::mem::transmute::<*mut c_void, CreateCompressor>(symbol(
                    c"wimlib_create_compressor",
                )),
                compress: std::mem::transmute::<*mut c_void, Compress>(symbol(c"wimlib_compress")),
            })
        }
    }

    /// A compressor of the library's default level.
    fn compressor(&self, format: c_int, chunk_bytes: usize) -> impl FnMut(&[u8]) -> Option<Vec<u8>> + use<> {
        let mut state = ptr::null_mut();
        // SAFETY: `state` takes the new compressor, which lives as long as the process.
        let status = unsafe { (self.create_compressor)(format, chunk_bytes, 0, &raw mut state) };
        assert_eq!(status, 0);
        let compress = self.compress;
        move |chunk| {
            let mut output = vec![0; chunk.len().saturating_sub(1)];
            let (from, to) = (chunk.as_ptr().cast(), output.as_mut_ptr().cast());
            // SAFETY: both buffers have the lengths given.
            let size = unsafe { compress(from, chunk.len(), to, output.len(), state) };
            output.truncate(size);
            (size > 0).then_some(output)
        }
    }

    fn decoder(&self, format: c_int, chunk_bytes: usize) -> impl FnMut(&[u8], &mut [u8]) + use<> {
        let mut state = ptr::null_mut();
        // SAFETY: `state` takes the new decompressor, which lives as long as the process.
        let status = unsafe { (self.create_decompressor)(format, chunk_bytes, &raw mut state) };
        assert_eq!(status, 0);
        let decompress = self.decompress;
        move |input, output| {
            let (from, to) = (input.as_ptr().cast(), output.as_mut_ptr().cast());
            // SAFETY: both buffers have the lengths given.
            let status = unsafe { decompress(from, input.len(), to, output.len(), state) };
            assert_eq!(status, 0);
        }
    }
}

fn data() -> Vec<u8> {
    let path = std::env::var_os("WTGCTL_BENCH_DATA")
        .map_or_else(|| std::env::current_exe().expect("own path"), Into::into);
    let mut data = std::fs::read(path).expect("benchmark data");
    data.truncate(MAX_BYTES);
    data
}

fn decode(criterion: &mut Criterion) {
    let libwim = Libwim::load().expect("libwim15 is not installed");
    let data = data();
    let codecs = [
        ("xpress_decode", Codec::Xpress, 1, 32 << 10),
        ("lzx_decode", Codec::Lzx, 2, 32 << 10),
        ("lzms_decode", Codec::Lzms, 3, 128 << 10),
        ("lzms_solid_decode", Codec::Lzms, 3, 64 << 20),
    ];
    for (name, codec, format, chunk_bytes) in codecs {
        let mut compress = libwim.compressor(format, chunk_bytes);
        let chunks: Vec<_> = data
            .chunks(chunk_bytes)
            .filter_map(|chunk| Some((compress(chunk)?, chunk)))
            .collect();
        let mut theirs = libwim.decoder(format, chunk_bytes);
        let mut ours = Decoder::new(codec, u32::try_from(chunk_bytes).expect("small")).expect("valid size");
        let mut output = vec![0; chunk_bytes.min(data.len())];
        for (compressed, chunk) in &chunks {
            ours.decompress(compressed, &mut output[..chunk.len()])
                .expect("valid chunk");
            assert!(output[..chunk.len()] == **chunk);
            output.fill(0);
            theirs(compressed, &mut output[..chunk.len()]);
            assert!(output[..chunk.len()] == **chunk);
        }
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(
            chunks.iter().map(|(_, chunk)| chunk.len() as u64).sum(),
        ));
        group.sample_size(20);
        group.bench_function("ours", |bencher| {
            bencher.iter(|| {
                for (compressed, chunk) in &chunks {
                    ours.decompress(compressed, &mut output[..chunk.len()])
                        .expect("valid chunk");
                    black_box(&output);
                }
            });
        });
        group.bench_function("wimlib", |bencher| {
            bencher.iter(|| {
                for (compressed, chunk) in &chunks {
                    theirs(compressed, &mut output[..chunk.len()]);
                    black_box(&output);
                }
            });
        });
        group.finish();
    }
}

fn encode(criterion: &mut Criterion) {
    let libwim = Libwim::load().expect("libwim15 is not installed");
    let mut data = data();
    data.truncate(MAX_ENCODED_BYTES);
    let codecs = [
        ("xpress4k_encode", Codec::Xpress, 1, 4 << 10),
        ("xpress32k_encode", Codec::Xpress, 1, 32 << 10),
        ("lzx32k_encode", Codec::Lzx, 2, 32 << 10),
    ];
    for (name, codec, format, chunk_bytes) in codecs {
        let size = u32::try_from(chunk_bytes).expect("small");
        let mut encoder = Encoder::new(codec, size).expect("valid size");
        let mut compress = libwim.compressor(format, chunk_bytes);
        let mut output = Vec::new();

        let (mut ours, mut theirs) = (0, 0);
        let mut decode = libwim.decoder(format, chunk_bytes);
        for chunk in data.chunks(chunk_bytes) {
            theirs += compress(chunk).map_or(chunk.len(), |chunk| chunk.len());
            if encoder.compress(chunk, &mut output).is_none() {
                ours += chunk.len();
                continue;
            }
            ours += output.len();
            let mut back = vec![0; chunk.len()];
            decode(&output, &mut back);
            assert!(back == chunk);
        }
        println!("{name}: {ours} bytes, libwim {theirs}");

        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(data.len() as u64));
        group.sample_size(10);
        group.bench_function("ours", |bencher| {
            bencher.iter(|| {
                for chunk in data.chunks(chunk_bytes) {
                    black_box(encoder.compress(chunk, &mut output));
                }
            });
        });
        group.bench_function("wimlib", |bencher| {
            bencher.iter(|| {
                for chunk in data.chunks(chunk_bytes) {
                    black_box(compress(chunk));
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
