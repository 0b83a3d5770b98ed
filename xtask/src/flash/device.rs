//! A cheap stick: erase blocks, few of them open at a time, and what a write anywhere else costs.
//!
//! Each erase block of the address space is mapped as a whole. An open block has a fresh physical block that takes
//! pages in the order they are programmed; when it is closed, pages that only the old physical block has are copied
//! into it, so that the old one can be erased. What a page programmed out of order means is the [`Mapping`]'s affair.
//! Pages that were never written hold nothing and are never copied: the stick starts empty.

/// What an open block does with a page that lies before its append point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// It is closed and opened again: only ascending writes are cheap.
    Linear,
    /// It takes the page as a log does; closing it then copies every page of it into another block.
    Log,
}

impl Mapping {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log => "log",
        }
    }
}

/// The figures of a stick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) mapping: Mapping,
    pub(crate) erase_block_bytes: u64,
    pub(crate) page_bytes: u64,
    /// So many erase blocks are open at a time; opening another closes the one not written for longest.
    pub(crate) open_blocks: usize,
    pub(crate) program_bytes_per_s: f64,
    pub(crate) read_bytes_per_s: f64,
    pub(crate) erase_s: f64,
    /// What each command costs beside its data.
    pub(crate) command_s: f64,
    /// A longer write is so many commands as it has parts of this size.
    pub(crate) command_bytes: u64,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            mapping: Mapping::Linear,
            erase_block_bytes: 4 << 20,
            page_bytes: 16 << 10,
            open_blocks: 4,
            program_bytes_per_s: 20e6,
            read_bytes_per_s: 60e6,
            erase_s: 0.005,
            command_s: 0.000_25,
            command_bytes: 120 << 10,
        }
    }
}

/// What the stick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes that came over the bus.
    pub(crate) sent_bytes: u64,
    pub(crate) commands: u64,
    /// Bytes programmed, copies included.
    pub(crate) programmed_bytes: u64,
    /// Bytes read to be copied.
    pub(crate) copied_bytes: u64,
    pub(crate) erases: u64,
}

impl Usage {
    /// Nothing overlaps.
    pub(crate) fn seconds(&self, device: &Device) -> f64 {
        self.programmed_bytes as f64 / device.program_bytes_per_s
            + self.copied_bytes as f64 / device.read_bytes_per_s
            + self.erases as f64 * device.erase_s
            + self.commands as f64 * device.command_s
    }
}

/// A stick in use.
pub(crate) struct Stick {
    device: Device,
    pages_per_block: u64,
    /// Which pages hold data, one bit each.
    valid: Vec<u64>,
    /// The one written last comes last.
    open: Vec<OpenBlock>,
    usage: Usage,
}

struct OpenBlock {
    block: u64,
    /// Pages programmed in the fresh physical block, those passed over included.
    used_pages: u64,
    /// Each page lies where it belongs.
    in_order: bool,
    /// The page still in the controller's memory, and where the host's data in it ends.
    last_page: u64,
    end_byte: u64,
}

impl Stick {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            device,
            pages_per_block: device.erase_block_bytes / device.page_bytes,
            valid: Vec::new(),
            open: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// The host writes.
    pub(crate) fn write(&mut self, offset: u64, len: u64) {
        self.usage.sent_bytes += len;
        self.usage.commands += len.div_ceil(self.device.command_bytes);
        let (end, page_bytes) = (offset + len, self.device.page_bytes);
        let mut at = offset;
        while at < end {
            let page = at / page_bytes;
            let part_end = end.min((page + 1) * page_bytes);
            self.write_page(page, at, part_end);
            at = part_end;
        }
    }

    /// Closes what is open; the account.
    pub(crate) fn finish(mut self) -> Usage {
        for open in std::mem::take(&mut self.open) {
            self.close(open);
        }
        self.usage
    }

    /// A page, or a part of one, of the host's.
    fn write_page(&mut self, page: u64, from: u64, to: u64) {
        let (block, index) = (page / self.pages_per_block, page % self.pages_per_block);
        let mut open = self.take_open(block, page, from);
        if open.last_page == page && open.end_byte == from {
            // Goes on in the page that the controller still holds.
            open.end_byte = to;
            self.open.push(open);
            return;
        }
        if self.device.mapping == Mapping::Linear && index < open.used_pages {
            self.close(open);
            open = self.take_open(block, page, from);
        }
        let ascends = open.in_order && index >= open.used_pages;
        let gap = if ascends {
            self.count_valid(block, open.used_pages, index)
        } else {
            0
        };
        if ascends && (gap == 0 || self.device.mapping == Mapping::Linear) {
            self.copy_pages(gap);
            open.used_pages = index + 1;
        } else {
            open.in_order = false;
            open.used_pages += 1;
        }
        if to - from < self.device.page_bytes && self.is_valid(page) {
            self.usage.copied_bytes += self.device.page_bytes;
        }
        self.set_valid(page);
        self.usage.programmed_bytes += self.device.page_bytes;
        (open.last_page, open.end_byte) = (page, to);
        if open.used_pages == self.pages_per_block && to.is_multiple_of(self.device.page_bytes) {
            self.close(open);
        } else {
            self.open.push(open);
        }
    }

    /// The open block, out of the list; a fresh one when it is not open, or has no room for what does not go on in
    /// its last page.
    fn take_open(&mut self, block: u64, page: u64, from: u64) -> OpenBlock {
        if let Some(place) = self.open.iter().position(|open| open.block == block) {
            let open = self.open.remove(place);
            let goes_on = open.last_page == page && open.end_byte == from;
            if goes_on || open.used_pages < self.pages_per_block {
                return open;
            }
            self.close(open);
        }
        if self.open.len() >= self.device.open_blocks {
            let oldest = self.open.remove(0);
            self.close(oldest);
        }
        self.usage.erases += 1;
        OpenBlock {
            block,
            used_pages: 0,
            in_order: true,
            last_page: u64::MAX,
            end_byte: u64::MAX,
        }
    }

    fn close(&mut self, open: OpenBlock) {
        if open.in_order {
            let rest = self.count_valid(open.block, open.used_pages, self.pages_per_block);
            self.copy_pages(rest);
        } else {
            let all = self.count_valid(open.block, 0, self.pages_per_block);
            self.copy_pages(all);
            self.usage.erases += 1;
        }
    }

    fn copy_pages(&mut self, pages: u64) {
        self.usage.copied_bytes += pages * self.device.page_bytes;
        self.usage.programmed_bytes += pages * self.device.page_bytes;
    }

    fn count_valid(&self, block: u64, from: u64, to: u64) -> u64 {
        let (from, to) = (
            block * self.pages_per_block + from,
            block * self.pages_per_block + to,
        );
        let mut count = 0;
        let mut at = from;
        while at < to {
            let end = to.min((at / 64 + 1) * 64);
            let mut word = self.valid.get((at / 64) as usize).copied().unwrap_or(0) >> (at % 64);
            if end - at < 64 {
                word &= (1 << (end - at)) - 1;
            }
            count += u64::from(word.count_ones());
            at = end;
        }
        count
    }

    fn is_valid(&self, page: u64) -> bool {
        self.valid
            .get((page / 64) as usize)
            .is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    fn set_valid(&mut self, page: u64) {
        let word = (page / 64) as usize;
        if word >= self.valid.len() {
            self.valid.resize(word + 1, 0);
        }
        self.valid[word] |= 1 << (page % 64);
    }
}

#[cfg(test)]
mod tests;
