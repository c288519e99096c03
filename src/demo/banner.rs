//! What the terminal says once everything runs. The operator's password is printed here and nowhere else.

use std::fmt;

use super::places::Places;
use super::provision::OPERATOR;
use super::secrets::Secrets;
use crate::secret::Secret;

pub(super) struct Banner<'a> {
    pub places: &'a Places,
    pub secrets: &'a Secrets,
    pub operator: &'a Option<Secret<String>>,
    /// One terminal holds everything; not so in containers.
    pub alone: bool,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broker = self.places.broker.issuer();
        writeln!(f, "\n  Avouch is running. Open {broker}\n")?;
        writeln!(f, "    1. Press \"Open the sample application\", there \"Sign in with Avouch\".")?;
        writeln!(f, "    2. Choose a company, and who you are there. No password.")?;
        writeln!(f, "    3. Look at the token that came back, checked by the application.\n")?;
        writeln!(f, "  {:<21} {broker}", "Avouch")?;
        writeln!(f, "  {:<21} {}", "Demo company (OIDC)", self.places.idp.issuer())?;
        writeln!(f, "  {:<21} {}", "Fabrikam (SAML)", self.places.saml_idp.issuer())?;
        writeln!(f, "  {:<21} {}", "Sample application", self.places.app.issuer())?;
        match self.operator {
            Some(password) => {
                writeln!(f, "  {:<21} {OPERATOR}, one-time password {}", "Operator", password.expose())?;
                writeln!(f, "  {:<21} it is not shown again", "")?;
            }
            None => {
                writeln!(f, "  {:<21} {OPERATOR}; new password: avouch operator reset-password {OPERATOR}", "Operator")?
            }
        }
        if self.alone {
            writeln!(f, "\n  A machine asks for a token:")?;
            let file = self.secrets.machine_file.display();
            writeln!(
                f,
                "    curl -u \"demo-machine:$(cat {file})\" -d grant_type=client_credentials {broker}/oauth/token"
            )?;
            writeln!(f, "\n  Ctrl-C stops everything.\n")?;
        }
        Ok(())
    }
}
