//! Attribute lists: every entry leads to an attribute, every attribute has an entry.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::records::State;
use super::report::Place;
use crate::layout::attribute;
use crate::read::{FileReference, ListEntry, RawForm, Record, parse_attribute_list};

/// Identity of an attribute extent: record, instance.
type Identity = (u64, u16);

impl<R: Read + Seek> Checker<'_, R> {
    /// Checks the attribute list of a base record; `false` when its attributes cannot be merged.
    pub(super) fn check_list(&mut self, base: &Record) -> bool {
        let list = base
            .attributes()
            .filter_map(Result::ok)
            .find(|a| a.type_code == attribute::ATTRIBUTE_LIST);
        let Some(found) = list else { return true };
        let place = Place::record(base.number, base.at + found.at as u64);
        let bytes = match self.volume.load_list(&found, base.at) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.out.add_error(Code::ListEntry, place, &error);
                return false;
            }
        };
        let (entries, bad) = parse_attribute_list(&bytes);
        if let Some((at, found)) = bad {
            let found = format!("{found} at byte {at} of the list");
            self.out
                .add(Code::ListEntry, place, found, "an entry inside the list");
        }
        self.check_entry_order(&entries, place);
        let mut holders: Vec<Record> = vec![base.clone()];
        let mut usable = true;
        for entry in &entries {
            if holders.iter().any(|holder| holder.number == entry.record.record) {
                continue;
            }
            match self.load_holder(base, entry, place) {
                Some(holder) => {
                    self.listed_extensions.insert(holder.number);
                    holders.push(holder);
                }
                None => usable = false,
            }
        }
        let mut listed = BTreeSet::new();
        for entry in &entries {
            let holder = holders.iter().find(|holder| holder.number == entry.record.record);
            let Some(holder) = holder else { continue };
            usable &= self.check_entry(entry, holder, place);
            listed.insert((entry.record.record, entry.instance));
        }
        for holder in &holders {
            self.check_all_listed(holder, &listed);
        }
        usable
    }

    fn load_holder(&mut self, base: &Record, entry: &ListEntry, place: Place) -> Option<Record> {
        let number = entry.record.record;
        let fact = usize::try_from(number)
            .ok()
            .and_then(|n| self.records.get(n))
            .copied();
        let expected = "a record in use that extends this file";
        match self.volume.record(number) {
            Ok(holder)
                if holder.is_in_use()
                    && holder.header.base.record == base.number
                    && number != base.number =>
            {
                if holder.header.base != base.reference() {
                    let place = Place::record(number, holder.at);
                    let found = format!("base {}", holder.header.base);
                    self.out
                        .add(Code::RecordBase, place, found, base.reference().to_string());
                }
                Some(holder)
            }
            Ok(holder) => {
                let found = format!("entry for record {number}, which extends {}", holder.header.base);
                self.out.add(Code::ListEntry, place, found, expected);
                None
            }
            Err(error) => {
                if fact.is_none_or(|fact| fact.state != State::Unreadable) {
                    self.out.add_error(Code::ListEntry, place, &error);
                }
                None
            }
        }
    }

    fn check_entry_order(&mut self, entries: &[ListEntry], place: Place) {
        for pair in entries.windows(2) {
            let [a, b] = pair else { continue };
            let order = a
                .type_code
                .cmp(&b.type_code)
                .then_with(|| self.compare_names(&a.name, &b.name))
                .then(a.lowest_vcn.cmp(&b.lowest_vcn));
            if order.is_gt() {
                let found = format!(
                    "{:#x} VCN {} at byte {} of the list",
                    b.type_code, b.lowest_vcn, b.at
                );
                self.out
                    .add(Code::ListEntry, place, found, "ascending type, name and VCN");
            }
        }
    }

    fn check_entry(&mut self, entry: &ListEntry, holder: &Record, place: Place) -> bool {
        let found = holder
            .attributes()
            .filter_map(Result::ok)
            .find(|a| a.instance == entry.instance && a.type_code == entry.type_code);
        let agrees = found.is_some_and(|a| {
            let lowest = match &a.form {
                RawForm::NonResident(extent) => extent.lowest_vcn,
                RawForm::Resident { .. } => 0,
            };
            a.name == entry.name && lowest == entry.lowest_vcn
        });
        if agrees && entry.record == holder.reference() {
            return true;
        }
        let text = format!(
            "{:#x} instance {} VCN {} in record {}",
            entry.type_code, entry.instance, entry.lowest_vcn, entry.record
        );
        self.out
            .add(Code::ListEntry, place, text, "an attribute of that record");
        agrees
    }

    fn check_all_listed(&mut self, holder: &Record, listed: &BTreeSet<Identity>) {
        for found in holder.attributes().filter_map(Result::ok) {
            let own = found.type_code == attribute::ATTRIBUTE_LIST;
            if !own && !listed.contains(&(holder.number, found.instance)) {
                let place = Place::record(holder.number, holder.at + found.at as u64);
                let text = format!("{:#x} instance {}", found.type_code, found.instance);
                self.out
                    .add(Code::ListMissing, place, text, "an entry in the attribute list");
            }
        }
    }

    /// After all lists were read: extension records that none of them names, or whose base is none.
    pub(super) fn check_extensions(&mut self) {
        for number in 0..self.records.len() {
            let fact = self.records[number];
            let number = number as u64;
            if fact.state != State::InUse || fact.base == 0 {
                continue;
            }
            let base = FileReference::from_raw(fact.base);
            let place = Place {
                record: Some(number),
                offset: self.volume.record_offset(number),
            };
            let base_fact = self.record_fact(base.record);
            if base_fact.is_none_or(|f| !f.is_base() || f.sequence != base.sequence) {
                let found = format!("base {base}");
                self.out
                    .add(Code::RecordBase, place, found, "a base record in use");
            } else if !self.listed_extensions.contains(&number) {
                self.out.add(
                    Code::RecordExtension,
                    place,
                    format!("base {base}"),
                    "an entry in its list",
                );
            }
        }
    }
}
