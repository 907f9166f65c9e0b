//! Documents: what is told of one, and whether bytes are what they are said to be. What a newcomer would get wrong: the
//! type that a caller names is a claim. What does not begin as that type begins is refused, so that nobody is handed a
//! page or a program under the name of a picture.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SectionFields, at};
use crate::coded;
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX, is_printable};

/// Bytes of a document at most: 10 MiB.
pub const DOCUMENT_BYTES_MAX: usize = 10 * 1024 * 1024;

coded! {
    /// The type of a document.
    DocumentType {
        /// PDF.
        Pdf = "application/pdf",
        /// JPEG.
        Jpeg = "image/jpeg",
        /// PNG.
        Png = "image/png",
        /// Text in UTF-8.
        Text = "text/plain",
        /// Word, Office Open XML.
        Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
}

impl DocumentType {
    /// Whether bytes are of this type, as far as their beginning tells; of a text, all of them.
    pub fn fits(self, bytes: &[u8]) -> bool {
        match self {
            DocumentType::Pdf => bytes.starts_with(b"%PDF-"),
            DocumentType::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            DocumentType::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            DocumentType::Text => std::str::from_utf8(bytes).is_ok_and(is_printable),
            // A ZIP archive names its parts in plain bytes.
            DocumentType::Docx => bytes.starts_with(b"PK\x03\x04") && holds(bytes, b"word/document.xml"),
        }
    }

    /// How the name of such a file ends.
    pub fn extension(self) -> &'static str {
        match self {
            DocumentType::Pdf => "pdf",
            DocumentType::Jpeg => "jpg",
            DocumentType::Png => "png",
            DocumentType::Text => "txt",
            DocumentType::Docx => "docx",
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

coded! {
    /// The language of a document.
    DocumentLanguage {
        /// Kazakh.
        Kk = "kk",
        /// Russian.
        Ru = "ru",
        /// English.
        En = "en",
    }
}

coded! {
    /// What is known of an electronic signature.
    SignatureStatus {
        /// Nobody has looked for one; this service checks none.
        NotChecked = "not_checked",
    }
}

/// What a document is; its bytes are asked for at `/v1/judges/{judge_id}/documents/{document_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Order 114.pdf", "media_type": "application/pdf", "bytes": 48213, "sha256": "9f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7", "language": "kk", "signature_status": "not_checked"}))]
pub struct DocumentFields {
    /// Its title: the name of the file.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Its type.
    pub media_type: DocumentType,
    /// How many bytes it has.
    #[schema(minimum = 1, maximum = 10_485_760)]
    pub bytes: usize,
    /// SHA-256 of its bytes, in hex.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Its language, or null where nobody said.
    pub language: Option<DocumentLanguage>,
    /// What is known of an electronic signature.
    pub signature_status: SignatureStatus,
}

impl SectionFields for DocumentFields {
    fn check(&self, check: &mut Check, place: &str, _today: NaiveDate) {
        check.text(&at(place, "title"), &self.title, NAME_LENGTH_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_for_what_they_are_and_not_for_what_they_are_called() {
        let samples: [(DocumentType, &[u8]); 5] = [
            (DocumentType::Pdf, b"%PDF-1.7\n"),
            (DocumentType::Jpeg, b"\xff\xd8\xff\xe0"),
            (DocumentType::Png, b"\x89PNG\r\n\x1a\n\0"),
            (DocumentType::Text, "Бұйрық\n".as_bytes()),
            (DocumentType::Docx, b"PK\x03\x04....word/document.xml"),
        ];
        for (kind, sample) in samples {
            for other in DocumentType::ALL {
                // What is plain text in a PDF's first line is plain text, too.
                let is_both = kind == DocumentType::Pdf && *other == DocumentType::Text;
                assert_eq!(other.fits(sample), *other == kind || is_both, "{kind} as {other}");
            }
        }
        assert!(!DocumentType::Docx.fits(b"PK\x03\x04 xl/workbook.xml"), "another archive is no document");
        assert!(!DocumentType::Text.fits(b"a\0b") && !DocumentType::Text.fits(b"\xc3\x28"));
    }
}
