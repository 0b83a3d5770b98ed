//! Images made by other programs, read and compared with what other programs see.

mod foreign_writers;
mod hadris;
mod mutation;
mod samples;
mod tree;
mod whole_image;
