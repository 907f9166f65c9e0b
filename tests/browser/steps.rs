//! What a reviewer does on the two pages, step by step, by what stands on the buttons and fields.

use std::path::{Path, PathBuf};

use super::Tab;

/// A passphrase that the pages take for a new card.
pub const PASSPHRASE: &str = "seven quiet rivers under snow";

/// What a reviewer types on page 1.
pub struct Reviewer<'a> {
    pub login: &'a str,
    pub password: &'a str,
    pub words: &'a str,
}

impl Tab {
    /// Page 1 up to the request, with a new card or one that was begun before; what comes of it is the page's to show.
    pub async fn prepare(&self, registry: &str, reviewer: &Reviewer<'_>, card: Option<&Path>) {
        self.open(&format!("{registry}/booth")).await;
        self.fill("Login", reviewer.login).await;
        self.fill("Password", reviewer.password).await;
        self.fill("Ten groups", reviewer.words).await;
        match card {
            Some(card) => {
                self.choose("A card begun before").await;
                self.pick("Card file", card).await;
            }
            None => self.fill("Passphrase once more", PASSPHRASE).await,
        }
        self.fill("Passphrase of the card", PASSPHRASE).await;
        self.press("Check, and prepare").await;
    }

    /// The rest of page 1: the request goes out once the card is in a file; the card with its credentials.
    pub async fn ask_for_credentials(&self) -> PathBuf {
        self.see("Save the card first").await;
        self.downloaded("card-1.json").await;
        self.choose("I have the file").await;
        self.press("Ask for the credentials").await;
        self.see("The card is ready").await;
        self.downloaded("card-2.json").await
    }

    /// Opens a card on page 2, at whatever address the page lies.
    pub async fn open_card(&self, page: &str, card: &Path) {
        self.open(page).await;
        self.pick("Card file", card).await;
        self.fill("Passphrase of the card", PASSPHRASE).await;
        self.press("Open").await;
        self.see("Your reviews").await;
    }

    /// Fills in the form of a subject: this mark for every item, and "no basis" for the last.
    pub async fn fill_in(&self, subject: &str, mark: u8) {
        let (first, later) = (format!("Fill in: {subject}"), format!("Change: {subject}"));
        self.press_either(&first, &later).await;
        self.see("Review: ").await;
        let tick = format!(
            "document.querySelectorAll('fieldset[data-item]').forEach((item, at, all) => \
             item.querySelector(at + 1 < all.length ? 'input[value=\"{mark}\"]' : 'input[value=\"null\"]').click())"
        );
        self.evaluate(&tick).await;
        self.press("Keep in the card").await;
        self.see("Your reviews").await;
    }

    /// Goes on to sending: signs what waits and hands the card out; what comes of it is the page's to show.
    pub async fn sign(&self, all: bool) {
        self.press("Send…").await;
        self.see("Send…").await;
        if all {
            self.choose("All, one after another").await;
        }
        self.press("Check, sign").await;
    }

    /// Sends what was signed, once the card of this number is in a file; the next card, with the receipts.
    pub async fn send(&self, number: u32) -> PathBuf {
        self.see("Save the card first").await;
        self.downloaded(&format!("card-{number}.json")).await;
        self.choose("I have the file").await;
        self.press("Send now").await;
        self.see("Sent, receipts verified").await;
        self.downloaded(&format!("card-{}.json", number + 1)).await
    }
}
