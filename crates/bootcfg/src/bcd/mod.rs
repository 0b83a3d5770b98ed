//! Boot Configuration Data stores: what the Windows boot manager reads to know what to start.
//!
//! A store is a registry hive of objects, each with typed elements. [`Store::read`] and [`Store::write`]
//! convert, [`bcdboot_store`] makes the store of a new Windows, and [`Store::to_report`] shows one.

mod bcdboot;
pub mod device;
mod doctor;
mod element;
pub mod element_ids;
pub mod object_ids;
mod registry;
mod report;
mod retarget;
mod store;

pub use bcdboot::{BcdbootSpec, Firmware, LoaderIds, WindowsVolume, bcdboot_store};
pub use device::{Device, DeviceElement, DiskId, FilePath, Local, Locate, LocateBy, Partition, PartitionId};
pub use doctor::{Finding, Severity, doctor};
pub use element::{Element, format_of};
pub use report::{ElementReport, ObjectReport, StoreReport};
pub use retarget::Retarget;
pub use store::{Object, Store, StoreDescription};
