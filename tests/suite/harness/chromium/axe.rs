//! axe-core looks at a page: the accessibility rules that a machine can check (https://github.com/dequelabs/axe-core).
//! It is handed in past the page's own policy, which lets no script in.

use std::path::Path;

use serde_json::Value;

use super::Chromium;

const AXE: &str = "tests/peers/node/node_modules/axe-core/axe.min.js";
/// WCAG 2.2 A and AA, and what axe-core calls best practice.
const RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";

impl Chromium {
    /// What axe-core finds wrong with the page as it is shown now: rule, what it says, and the first element.
    pub async fn axe(&self) -> Vec<String> {
        if self.evaluate("typeof axe").await == "undefined" {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
            let axe = std::fs::read_to_string(file).expect("axe-core is installed: run `make peers`");
            self.evaluate(&format!("{axe}; 1")).await;
        }
        let found = self
            .evaluate(&format!(
                "axe.run({{ runOnly: {RULES}, resultTypes: ['violations'] }}).then(r => r.violations.map(v =>
                   `${{v.id}}: ${{v.help}}: ${{v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' ')}} ` +
                   `(${{v.nodes.length}}x) ${{v.nodes[0].failureSummary.slice(0, 300)}}`))"
            ))
            .await;
        found.as_array().into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
    }
}
