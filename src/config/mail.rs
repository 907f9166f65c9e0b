//! The mail server that notices are sent through. What a newcomer would get wrong: the URL holds a password, so it is never
//! printed; and mail leaves in clear text only to a server on this machine.

use std::fmt;

use zeroize::Zeroizing;

/// The address of a mail server with its log-in; prints as `***`.
#[derive(Clone)]
pub struct SmtpUrl(Zeroizing<String>);

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SmtpUrl {
    /// Reads `smtps://…`, or `smtp://…?tls=required`; without TLS only where the server is on this machine.
    pub fn parse(text: &str) -> Option<SmtpUrl> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = authority.trim_end_matches('/');
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(name, _)| name)?,
            None => host.split_once(':').map_or(host, |(name, _)| name),
        };
        let is_here = matches!(name, "127.0.0.1" | "localhost" | "::1");
        let is_covered = match scheme {
            "smtps" => query.is_empty(),
            "smtp" => query == "tls=required" || (query.is_empty() && is_here),
            _ => false,
        };
        let is_plain = text.chars().all(|c| c.is_ascii_graphic());
        (!name.is_empty() && is_covered && is_plain).then(|| SmtpUrl(Zeroizing::new(text.to_owned())))
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where mail is sent through, and in whose name.
#[derive(Debug, Clone)]
pub struct MailServer {
    /// The server.
    pub url: SmtpUrl,
    /// The sender's address.
    pub from: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_leaves_in_clear_text_to_this_machine_alone() {
        for good in [
            "smtps://court:secret@mail.sot.kz",
            "smtps://mail.sot.kz:465",
            "smtp://mail.sot.kz:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://localhost",
            "smtp://[::1]:25",
        ] {
            assert!(SmtpUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "mail.sot.kz",
            "smtp://mail.sot.kz",
            "smtp://mail.sot.kz?tls=opportunistic",
            "smtp://127.0.0.1@mail.sot.kz",
            "smtps://",
            "http://127.0.0.1",
            "smtps://mail.sot.kz\r\n",
        ] {
            assert!(SmtpUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_password_of_the_mail_server_is_not_shown() {
        let url = SmtpUrl::parse("smtps://court:secret@mail.sot.kz").unwrap();
        assert_eq!(format!("{url:?}"), "***");
    }
}
