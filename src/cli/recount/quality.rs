//! How reviewers used the form, as whoever recounts a cycle sees it: for people to look at before they state the recount, and
//! before anything is reported (`domain.md` R-29). What a newcomer would get wrong: nothing here is left out of a score, joins
//! two reviews of one author or names a subject. A flag opens a look at how reviewers were drawn and told.

use serde::Serialize;

use crate::client::recount::methodology;
use crate::credential::bundle::Files;
use crate::credential::tally::marks;
use crate::domain::analysis::quality::{Excess, ceiling, identical, straight_lines, straight_lines_at_the_top};
use crate::domain::analysis::{Figure, Panel};
use crate::domain::statistics::CEILING_PER_CENT;
use crate::error::Result;
use crate::texts::{Arg, Language, text};

/// What the marks of a cycle say of how the form was used.
#[derive(Debug, Serialize)]
pub(super) struct Quality {
    /// The share of marks that are the highest of the scale.
    ceiling: Figure,
    /// Reviews with one mark for all questions.
    straight_lines: Figure<Excess>,
    /// The same, where that mark is the highest.
    straight_lines_at_the_top: Figure<Excess>,
    /// Reviews whose answers are another's of the same subject.
    identical: Figure<Excess>,
}

impl Quality {
    /// Of bundles that passed their checks; none where nothing was to be marked.
    pub(super) fn of(earlier: Option<&Files>, files: &Files) -> Result<Option<Quality>> {
        let methodology = methodology(files)?;
        let Some(scale) = methodology.scale else { return Ok(None) };
        let highest = f64::from(scale.max);
        let panels: Vec<Panel> = marks(earlier, files, &methodology)?
            .into_iter()
            .map(|panel| {
                panel.into_iter().map(|row| row.into_iter().map(|mark| mark.map(f64::from)).collect()).collect()
            })
            .collect();
        Ok(Some(Quality {
            ceiling: ceiling(&panels, highest).into(),
            straight_lines: straight_lines(&panels).into(),
            straight_lines_at_the_top: straight_lines_at_the_top(&panels, highest).into(),
            identical: identical(&panels).into(),
        }))
    }

    /// The same in words, a line each.
    pub(super) fn words(&self, language: Language) -> Vec<String> {
        let say = |key: &str, args: &[(&'static str, Arg<'_>)]| text(language, key, args);
        let mut lines = vec![say("recount-quality", &[])];
        if let Figure::Known(share) = self.ceiling {
            // From the same share on as judges of a year at the top, marks at the top tell nobody apart.
            let is_alarm = share * 100.0 > CEILING_PER_CENT as f64;
            let key = if is_alarm { "recount-quality-ceiling_alarm" } else { "recount-quality-ceiling" };
            lines.push(say(key, &[("share", Arg::Text(&percent(share)))]));
        }
        let counted = [
            ("recount-quality-straight", &self.straight_lines),
            ("recount-quality-straight_top", &self.straight_lines_at_the_top),
            ("recount-quality-identical", &self.identical),
        ];
        for (key, figure) in counted {
            let Figure::Known(excess) = figure else { continue };
            let [reviews, tested, flagged] =
                [excess.reviews, excess.panels_tested, excess.panels_flagged].map(|count| count.to_string());
            let args = [
                ("share", Arg::Text(&percent(excess.share))),
                ("reviews", Arg::Text(&reviews)),
                ("tested", Arg::Text(&tested)),
                ("flagged", Arg::Text(&flagged)),
            ];
            lines.push(say(key, &args));
        }
        if lines.len() == 1 {
            lines.push(say("recount-quality-none", &[]));
        }
        lines
    }
}

/// A share in whole hundredths: finer ones say nothing of so few reviews.
fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}
