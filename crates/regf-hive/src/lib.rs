//! Windows registry hives: read, edit in memory, write.
