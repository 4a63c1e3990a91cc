//! stub
use super::*;
use crate::report::bulk::*;
pub fn question(_: &BulkDocument, _: &crate::report::style::Paint, _: usize) -> String {
    String::new()
}
pub fn summary(d: &BulkDocument, _: &crate::report::style::Paint, _: usize, _: bool) -> String {
    format!("{:?}", d.counts)
}
