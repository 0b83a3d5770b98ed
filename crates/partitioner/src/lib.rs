//! GPT and MBR tables, FAT32 volumes, block devices and their safety policy, sector copy.
