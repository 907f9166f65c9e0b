//! The one gate through which a result leaves: what passes is a [`Release`], and nothing else is stored, answered or
//! printed as published. A newcomer would let a corrected result follow the first; whoever holds both subtracts one from
//! the other, and has the review that was dropped.

use super::Status;
use super::publication::{Image, Published};
use crate::error::{Error, Result};

/// What was let out of one subject's result. Only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    published: Published,
    reviews: String,
}

/// Why a result is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// An earlier release is of other reviews; the difference tells what the dropped or added ones said.
    #[error("an earlier release of this subject is of other reviews: a second one would tell what they said")]
    OtherReviews,
    /// An earlier release of the same reviews says something else; both together say more than either may.
    #[error("an earlier release of the same reviews says something else: the two together would say too much")]
    OtherFigures,
}

/// Lets an image out, or not, given all earlier releases of its subject (rule P-3).
///
/// `reviews` is the digest of the reviews that the image is of. The same image of the same reviews may be repeated: it
/// says nothing new. An earlier release without any figure says nothing of marks, so that nothing can be taken from it.
pub fn release(image: Image, reviews: &str, earlier: &[Release]) -> std::result::Result<Release, Withheld> {
    let published = image.into_published();
    for before in earlier.iter().filter(|before| before.published != Published::Insufficient {}) {
        if before.reviews != reviews {
            return Err(Withheld::OtherReviews);
        }
        if before.published != published {
            return Err(Withheld::OtherFigures);
        }
    }
    Ok(Release { published, reviews: reviews.to_owned() })
}

impl Release {
    /// Reads back what was let out before, as it was stored with the digest of its reviews.
    ///
    /// Internal error: a text that no release has.
    pub fn read(stored: &str, reviews: &str) -> Result<Release> {
        let published = serde_json::from_str(stored).map_err(Error::internal)?;
        Ok(Release { published, reviews: reviews.to_owned() })
    }

    /// The text that is stored, the same for the same release.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string(&self.published).map_err(Error::internal)
    }

    /// What may be known.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// The digest of the reviews that it is of.
    pub fn reviews(&self) -> &str {
        &self.reviews
    }

    /// What it may be used for.
    pub fn status(&self) -> Status {
        match self.published {
            Published::Ok { .. } => Status::Ok,
            Published::Indicative { .. } => Status::Indicative,
            Published::Insufficient {} => Status::Insufficient,
            Published::Developmental { .. } => Status::Developmental,
        }
    }
}
