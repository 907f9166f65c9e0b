//! What the invented cases must hold to: each marks something, and only what the form asks. A newcomer's usual mistake is to
//! mark everything by every case; what a case does not show is left out, or marked "no basis" where that is the lesson.

use std::collections::BTreeSet;

use super::{Check, Dash, EXPLANATION_LENGTH_MAX, TEXT_LENGTH_MAX};
use crate::domain::methodology::Methodology;
use crate::error::Rule;

/// More cases than a reviewer goes through at one sitting.
const CASES_MAX: u64 = 5;
const MARKS_MAX: u64 = 100;

impl Methodology {
    pub(super) fn check_calibration(&self, check: &mut Check) {
        check.length("/calibration_cases", self.calibration_cases.len(), 0, CASES_MAX);
        check.length("/calibration_marks", self.calibration_marks.len(), 0, MARKS_MAX);
        let codes = self.calibration_cases.iter().map(|case| case.code.as_str());
        check.codes("/calibration_cases", "code", codes, Dash::Refused);
        for (index, case) in self.calibration_cases.iter().enumerate() {
            check.text(&format!("/calibration_cases/{index}/text"), &case.text, EXPLANATION_LENGTH_MAX);
            if self.calibration_of(&case.code).next().is_none() {
                check.fault(format!("/calibration_cases/{index}"), Rule::Mismatch { other: "calibration_marks" });
            }
        }
        let mut seen = BTreeSet::new();
        for (index, one) in self.calibration_marks.iter().enumerate() {
            let pointer = format!("/calibration_marks/{index}");
            if !self.calibration_cases.iter().any(|case| case.code == one.case) {
                check.fault(format!("{pointer}/case"), Rule::Missing);
            }
            if !self.items.iter().any(|item| item.code == one.item) {
                check.fault(format!("{pointer}/item"), Rule::Missing);
            } else if !seen.insert((&one.case, &one.item)) {
                check.fault(format!("{pointer}/item"), Rule::Duplicate);
            }
            // Without a scale there is no item that a case could mark, which was said already.
            if let (Some(mark), Some(scale)) = (one.mark, self.scale)
                && !scale.contains(mark)
            {
                let (min, max) = (i64::from(scale.min), i64::from(scale.max));
                check.fault(format!("{pointer}/mark"), Rule::Range { min, max });
            }
            check.text(&format!("{pointer}/reason"), &one.reason, TEXT_LENGTH_MAX);
        }
    }
}
