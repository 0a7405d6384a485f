"""How the keys and tokens of the services look that people's programs talk to: enough to know one wherever it stands.

No pattern takes more than a bounded number of steps at any place of a text. Case matters, and each is long enough not to be a word; a text that only looks like one is hidden in vain, and no harm is done.
"""

from __future__ import annotations

import re

# What follows the prefix has at least this many letters and digits, one of them a digit.
_PREFIXES = {
    16: ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "tvly-", "pul-"),
    20: (
        "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "npm_", "dop_v1_", "doo_v1_", "dor_v1_", "shpat_", "shpca_", "shppa_",
        "shpss_", "shptka_", "lin_api_", "ntn_", "secret_", "gsk_", "r8_", "pplx-", "xai-", "glsa_", "rubygems_", "lsv2_pt_",
        "lsv2_sk_", "nfp_", "sbp_", "hvs.", "hvb.", "hvr.", "dp.pt.", "dp.st.", "dp.ct.", "ATATT3x", "fw_", "key-",
        "AGE-SECRET-KEY-1", "EAAA", "SG.", "sntrys_", "sntryu_", "glc_", "ops_", "cio-", "NRAK-", "dapi",
    ),
}  # fmt: skip
_OF_THEIR_OWN = (
    r"(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ABIA|ACCA)[A-Z0-9]{16}\b",  # AWS
    r"github_pat_\w{20,}",
    r"gl(?:pat|dt|rt|ptt|ft|imt|agent|soat|cbt|oas)-[\w-]{16,}",
    r"hf_[A-Za-z0-9]{20,}",  # Hugging Face
    r"sk-[\w-]{20,}",  # OpenAI, Anthropic, DeepSeek and others
    r"AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}|1//0[\w-]{30,}",  # Google
    r"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,}",  # Slack
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{16,}",
    r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}",
    r"[\w-]{1,64}\.webhook\.office\.com/webhookb2/[\w@/-]{20,}",
    r"pypi-AgE[\w-]{20,}",
    r"SK[0-9a-f]{32}\b",  # Twilio
    r"[0-9a-f]{32}-us\d{1,2}\b",  # Mailchimp
    r"\d{8,10}:AA[\w-]{32,}",  # Telegram
    r"sq0(?:atp|csp|idp)-[\w-]{20,}",  # Square
    r"pscale_(?:tkn|pw|oauth)_[\w.-]{20,}",
    r"PMAK-[0-9a-f]{20,}-[0-9a-f]{20,}",
    r"dckr_(?:pat|oat)_[\w-]{20,}",
    r"fig[dou]_[\w-]{20,}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{40,}",  # Airtable
    r"[012]/\d{16}:[0-9a-f]{32}\b",  # Asana
    r"\w{14}\.atlasv1\.[\w-]{40,}",  # Terraform
    r"v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}",  # Cloudflare
    r"eyJ[\w-]{8,1000}(?:\.[\w-]{8,4000}\.[\w-]*|(?:\.[\w-]{0,4000})?\Z)",  # JSON web tokens, also such that were cut
)
_ELSEWHERE = (
    r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}",  # Azure, of an application
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
)
_TAILS = (rf"(?:{'|'.join(map(re.escape, some))})(?=[\w.-]{{0,200}}\d)[\w.-]{{{n},}}" for n, some in _PREFIXES.items())

# One test for the beginning of a word before all the others: most places of a text are none.
TOKENS = re.compile("|".join((rf"\b(?:{'|'.join((*_OF_THEIR_OWN, *_TAILS))})", *_ELSEWHERE)), re.DOTALL)
# The parameter of a signed URL that makes it one.
SIGNED = re.compile(r"(?i)([?&](?:sig|(?:x-(?:amz|goog)-)?(?:signature|credential|security-token))=)[^&\s#\"']+")
# With one slash it is what `pathlib` makes of an address.
USERINFO = re.compile(r"(?<=://)[^\s/?#]*@|(?<=:/)(?!/)[^\s/?#:]*:[^\s/?#]*@")
BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}")
SPOKEN = re.compile(r"(?i)\b(bearer|basic)\s+(?=[\w.~+/=-]{0,200}[0-9=])[\w.~+/=-]{16,}")
SCHEME = re.compile(
    r"\s*(?:Bearer\s+\S+|Basic\s+(?=\S*(?:[0-9=]|[a-z][A-Z]))[\w+/=-]{8,})\s*"
)  # a header's whole value
