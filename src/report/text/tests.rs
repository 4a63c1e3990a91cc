use super::*;
use crate::report::sample;

#[test]
fn show() {
    for w in [60, 100] {
        for d in [sample::contained(), sample::partial(), sample::rolled_back()] {
            println!("{}\n{}", "#".repeat(w), run(&d, &Paint::PLAIN, w));
        }
        println!("{}\n{}", "#".repeat(w), plan(&sample::planned(), &Paint::PLAIN, w));
    }
}
