"""The published shapes of tokens and keys: how each begins, and how it goes on. Data, grouped by what they open.

Facts from the documentation of the services that give them out.
"""

_HEX = "[a-f0-9]"
_ANY_HEX = "[a-fA-F0-9]"
_ALNUM = "[A-Za-z0-9]"
_UUID = f"{_ANY_HEX}{{8}}-(?:{_ANY_HEX}{{4}}-){{3}}{_ANY_HEX}{{12}}"
_END = r"(?![A-Za-z0-9])"
_B64 = "[A-Za-z0-9+/=%]"
_SLASH = "(?:/|%2[fF])"
_COLON = "(?::|%3[aA])"
_BAR = "(?:\\||%7[cC])"
_DOLLAR = "(?:\\$|%24)"

BY_BEGINNING = (
    # clouds and hosting
    (r"A(?:[KSBP]IA|CCA|IDA|3T[A-Z0-9])", rf"[A-Z0-9]{{16}}{_END}"),  # Amazon
    (r"ABSK", rf"{_B64}{{60,}}"),
    (r"bedrock-api-key-", rf"{_B64}{{28,}}"),
    ("IQoJ FwoG", rf"{_B64}{{80,}}"),
    (r"amzn\.mws\.", _UUID),
    (r"amzn1\.oa2-cs\.v1\.", rf"{_HEX}{{40,}}"),
    (rf"Atz[ar]{_BAR}", r"[\w%|-]{40,}"),
    (r"AIza", r"[\w-]{30,}"),  # Google
    (r"ya29\.", r"[\w.-]{20,}"),
    (r"GOCSPX-", r"[\w-]{20,}"),
    (rf"1{_SLASH}{{2}}0", r"[\w-]{30,}"),
    (r"AQ\.Ab", r"[\w-]{30,}"),
    (r"GOOG", r"[A-Z0-9]{20,}"),
    (r"6L[\w-]{6}AAAAA", r"[\w-]{25,}"),
    (rf"AAAA[\w-]{{7}}{_COLON}APA91b", r"[\w-]{60,}"),
    (r"LTAI", r"[A-Za-z0-9]{12,}"),  # Alibaba, Tencent, Volcano, Yandex, Scaleway
    (r"AK(?:ID|LT)", r"[A-Za-z0-9]{30,}"),
    (r"AQVN", r"[\w-]{34,}"),
    (r"t1\.", r"[\w-]{20,}={0,2}\.[\w-]{60,}={0,2}"),
    (r"y[0-3]_", r"[\w-]{50,}"),
    (r"YCAJ", r"[\w-]{21,}"),
    (r"YC", r"[\w-]{38}(?![A-Za-z0-9])"),
    (r"SCW", rf"[A-Z0-9]{{17}}{_END}"),
    (r"do[opr]_v1_", rf"{_ANY_HEX}{{40,}}"),  # DigitalOcean, Heroku, Fly, Render
    (r"DO(?:00|80)", rf"[A-Z0-9]{{16}}{_END}"),
    (r"HRKU-", r"[\w-]{36,}"),
    (r"fo1_", r"[\w-]{40,}"),
    (r"fm(?:1[ar]|2)_", rf"{_B64}{{60,}}"),
    (r"rnd_", rf"{_ALNUM}{{28,}}"),
    (r"nf[a-z]_", rf"{_ALNUM}{{36,}}"),  # Netlify, Vercel, Deno, Cloudflare
    (r"vc[a-z]_", rf"{_ALNUM}{{24,}}"),
    (r"vercel_blob_rw_", r"\w{30,}"),
    (r"dd[pwo]_", rf"{_ALNUM}{{36,}}"),
    (r"v1\.0-", rf"{_HEX}{{24}}-{_HEX}{{100,}}"),
    (r"cf(?:ut|at|k|oat)_", r"[\w-]{40,}"),
    (r"tskey-", r"(?:[a-z]+-)?[\w-]{20,}"),  # Tailscale, ngrok, Defined
    (r"2[A-Za-z0-9]{26}_", rf"[A-Za-z0-9]{{20,22}}{_END}"),
    (r"dnkey-", r"[\w=-]{40,}"),
    # version control, builds, packages
    (r"gh[pousr]_", r"[A-Za-z0-9]{20,}"),  # GitHub
    (r"github_pat_", r"\w{22,}"),
    (r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-", r"[\w-]{20,}(?:\.[a-z0-9]{2,}){0,2}"),  # GitLab
    (r"GR1348941", r"[\w-]{20,}"),
    (r"AT(?:BB|ATT3|CTT3|STT3|OTT3|TA)", r"[\w=-]{24,}"),  # Atlassian
    (r"bk[a-z]{2}_", r"[\w-]{36,}"),  # Buildkite, CircleCI, Jenkins, Octopus, Harness, Sonar
    (r"CCI(?:PAT|PRJ)_", r"\w{24,}"),
    (r"11", rf"{_HEX}{{32}}{_END}"),
    (r"API-", rf"[A-Z0-9]{{25,31}}{_END}"),
    (r"pat\. sat\.", r"[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    (r"sq[apu]_", rf"{_HEX}{{36,}}"),
    (r"sg[dp]_", r"\w{36,}"),  # Sourcegraph, Segment, Snyk, Infracost
    (r"slk_", rf"{_HEX}{{40,}}"),
    (r"snyk_(?:uat|sat)\.", r"[\w.-]{30,}"),
    (r"ico-", rf"{_ALNUM}{{30,}}"),
    (r"npm_", r"[A-Za-z0-9]{30,}"),  # registries
    (r"pypi-", r"[\w-]{30,}"),
    (r"dckr_(?:pat|oat)_", r"[\w-]{20,}"),
    (r"oy2", rf"[a-z0-9]{{43}}{_END}"),
    (r"cio", rf"{_ALNUM}{{32}}{_END}"),
    (r"rubygems_", rf"{_HEX}{{40,}}"),
    ("CLOJARS_ clojars_", r"[A-Za-z0-9]{50,}"),
    (r"AKCp", rf"{_ALNUM}{{50,}}"),
    (r"cmVmd", rf"{_ALNUM}{{50,}}"),
    (r"packagist_[a-z]{2,4}_", r"\w{30,}"),
    (r"jsr[pd]_", r"\w{30,}"),
    # secrets, infrastructure, databases
    (r"hv[sbr]\.", r"[\w-]{20,}"),  # HashiCorp
    (r"s\.", rf"(?=[A-Za-z]{{0,23}}\d)(?=[a-z0-9]{{0,23}}[A-Z]){_ALNUM}{{24}}(?!\w)"),
    (r"dp\.(?:pt|st|ct|sa|scim|audit|said)\.", r"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,}"),  # Doppler, Infisical, 1Password, age
    (r"st\.", rf"{_HEX}{{24}}\.{_HEX}{{32}}\.{_HEX}{{32}}"),
    (r"ops_eyJ", r"[\w+/=%-]{60,}"),
    (r"A3-", r"[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4}"),
    (r"AGE-SECRET-KEY-(?:PQ-)?1", r"[A-Z0-9]{50,}"),
    (r"pul-", rf"{_HEX}{{36,}}"),
    (r"sha256~", r"[\w-]{40,}"),
    (rf"token-[a-z0-9]{{5}}{_COLON}", r"[a-z0-9]{50,}"),
    (r"SWMTKN-1-", r"[a-z0-9]{40,}-[a-z0-9]{25}"),
    (r"CCDB1_", r"\w{40,}"),
    (r"da(?:pi|ai)[a-f0-9]", rf"{_HEX}{{31}}(?:-\d)?"),  # Databricks, PlanetScale, Supabase, Neon, MongoDB, …
    (r"dose[a-f0-9]", rf"{_HEX}{{31}}"),
    (r"pscale_(?:tkn|oauth|pw|api)_", r"[\w=.-]{30,}"),
    (r"sbp_", rf"(?:v0_|oauth_)?{_HEX}{{36,}}"),
    (r"sb_(?:secret|publishable)_", r"[\w-]{20,}"),
    (r"napi_", rf"{_ALNUM}{{40,}}"),
    (r"npg_", rf"(?=[A-Za-z]{{0,40}}\d){_ALNUM}{{12,}}"),
    (r"mdb_sa_(?:sk|id)_", r"[\w-]{24,}"),
    (r"AVNS_", r"[\w-]{16,}"),
    (r"4b1d", rf"{_ALNUM}{{38}}{_END}"),
    (r"ess[uo]_", rf"{_B64}{{40,}}"),
    (r"cflt", rf"{_B64}{{56,}}"),
    (r"xau_", rf"{_ALNUM}{{24,}}"),
    (r"dbt[csu]_", r"[\w=-]{36,}"),
    (r"pn[ub]_", rf"{_ALNUM}{{36}}{_END}"),
    # chat, mail, telephone
    (r"xox[a-z](?:\.xox[bp])?-", r"[\w-]{10,}"),  # Slack, Discord, Teams, Telegram
    (r"xapp-", r"\d-[\w-]{10,}"),
    (r"xwfp-", r"[\w-]{20,}"),
    (rf"hooks\.slack(?:-gov)?\.com{_SLASH}(?:services|workflows|triggers){_SLASH}", r"[\w/+%-]{20,}"),
    (rf"discord(?:app)?\.com{_SLASH}api{_SLASH}(?:v\d{{1,2}}{_SLASH})?webhooks{_SLASH}", rf"\d{{15,22}}{_SLASH}[\w-]{{40,}}"),
    (r"[MNO][A-Za-z0-9][\w-]{22,26}\.", r"[\w-]{6}\.[\w-]{27,40}(?![A-Za-z0-9])"),
    (r"mfa\.", r"[\w-]{80,}"),
    (rf"webhook\.office\.com{_SLASH}webhookb2{_SLASH}", r"[\w@/%-]{40,}"),
    (rf"outlook\.office(?:365)?\.com{_SLASH}webhook{_SLASH}", r"[\w@/%-]{40,}"),
    (rf"[0-9]\d{{7,9}}{_COLON}AA bot\d{{8,10}}{_COLON}AA", r"[\w-]{32,34}"),
    (r"SG\.", r"[\w-]{16,}\.[\w-]{16,}"),  # SendGrid, Mailgun, Mandrill, Brevo, Resend
    (r"key-[a-f0-9]", rf"{_HEX}{{31}}"),
    (r"[a-f0-9][a-f0-9]{31}-", r"(?:us\d{1,2}(?!\w)|[a-f0-9]{8}-[a-f0-9]{8}(?![A-Za-z0-9]))"),
    (r"md-", r"(?=[\w-]{0,21}\d)(?=[\w-]{0,21}[A-Z])[\w-]{22}(?![A-Za-z0-9])"),
    (r"x(?:key|smtp)sib-", rf"{_HEX}{{64}}-[A-Za-z0-9]{{16}}"),
    (r"re_", r"(?=\w{0,40}(?:\d|[a-z][A-Z]{2}))[A-Za-z0-9]{6,}_[A-Za-z0-9]{20,}"),
    (r"AC[a-f0-9] SK[a-f0-9]", rf"{_ANY_HEX}{{31}}(?!{_ANY_HEX})"),  # Twilio, Telnyx, OneSignal, PubNub, HubSpot, Klaviyo
    (r"KEY", r"[0-9A-F]{30,}(?:_\w{20,})?"),
    (r"os_v2_(?:app|org)_", r"[a-z0-9]{60,}"),
    ("pub-c- sub-c- sec-c-", r"[\w=-]{36,}"),
    (r"pat-(?:na|eu|ap)\d-", _UUID),
    (r"pk_", rf"(?:{_HEX}{{34}}|\d{{6,10}}_[A-Z0-9]{{32}}){_END}"),
    (r"dG9rO", rf"{_B64}{{40,}}"),
    # payment and trade
    (r"[srp]k_(?:live|test|prod|sbox|dev)_", r"\w{10,}"),  # Stripe and those who write like it
    (r"pi_[A-Za-z0-9]{10,40}_secret_ seti_[A-Za-z0-9]{10,40}_secret_", r"\w{20,}"),
    (r"whsec_", r"[\w+/=%-]{20,}"),
    (r"sq0[a-z]{3}-", r"[\w-]{22,}"),  # Square, PayPal, Braintree
    (r"EAAA", r"[\w-]{40,}"),
    (r"A21AA", r"[\w-]{60,}"),
    (rf"access_token{_DOLLAR}(?:production|sandbox){_DOLLAR}", rf"[a-z0-9]{{16}}{_DOLLAR}{_HEX}{{32}}"),
    (r"rzp_(?:live|test)_", rf"{_ALNUM}{{14,}}"),  # Razorpay, Flutterwave, Adyen, Plaid, Mollie, GoCardless, …
    (r"FLW(?:SECK|PUBK)(?:_TEST)?-", r"[A-Za-z0-9]{12,}(?:-X)?"),
    (r"AQE[a-z]", r"[A-Za-z0-9+/=%.{}()\[\]<>^-]{60,}"),
    (r"access-(?:sandbox|development|production)- public-(?:sandbox|development|production)-", _UUID),
    (r"link-(?:sandbox|production)- processor-(?:sandbox|production)-", _UUID),
    ("live_ test_ sandbox_", r"(?=[\w-]{0,39}\d)(?=[\w-]{0,39}[A-Z]|[a-f0-9]{32})[\w-]{25,}"),
    (r"shp(?:at|ca|pa|ss|ua|tka)_", rf"{_ANY_HEX}{{32}}"),
    (r"pdl_(?:live|sdbx|ntfset)_", r"\w{26,}"),
    (r"xnd_(?:production|development|public_\w{4,11})_", r"\w{24,}"),
    (r"Mid-(?:server|client)- SB-Mid-(?:server|client)-", r"[\w-]{16,}"),
    ("APP_USR- TEST-", rf"(?:\d{{12,16}}-\d{{6}}-{_HEX}{{32}}(?:-\d+)?|{_UUID})"),
    (r"[sp]key_(?:test_)?", rf"(?=[a-z]{{0,18}}\d){_ALNUM}{{19,}}"),
    (r"klarna_(?:live|test)_api_", r"[\w+/=%-]{24,}"),
    (r"cfsk_ma_(?:test|prod)_", r"\w{24,}"),
    (r"EZ[AT]K", rf"{_ALNUM}{{50,}}"),
    (r"shippo_(?:live|test)_ duffel_(?:live|test)_", r"[\w=-]{36,}"),
    (r"persona_(?:sandbox|production)_", r"[\w-]{20,}"),
    (r"bxt_", rf"{_ALNUM}{{24,}}"),
    # artificial intelligence: OpenAI, Anthropic, OpenRouter, Groq, Replicate, Perplexity, xAI, NVIDIA, Hugging Face, …
    (r"sk-(?:proj|svcacct|admin|None)-", r"[\w-]{40,}"),
    (r"sk-(?:[a-z]{2,12}-)?(?:[a-z]+\d\d-)?(?:v1-)?", r"(?=[A-Za-z_-]{0,60}\d)(?=[\w-]{0,90}[A-Za-z0-9]{16})[\w-]{20,}"),
    (r"sess-", rf"{_ALNUM}{{36,}}"),
    (r"gsk_", rf"{_ALNUM}{{40,}}"),
    (r"r8_", rf"{_ALNUM}{{30,}}"),
    (r"pplx-", rf"{_ALNUM}{{36,}}"),
    (r"xai-", rf"{_ALNUM}{{60,}}"),
    (r"nvapi-", r"[\w-]{50,}"),
    (r"hf_", r"[A-Za-z0-9]{30,}"),
    (r"api_org_", r"[A-Za-z0-9]{30,}"),
    (r"llx-", rf"{_ALNUM}{{40,}}"),
    (r"csk-", rf"{_ALNUM}{{40,}}"),
    (r"sk_", rf"(?:{_HEX}{{48}}|[A-Z0-9]{{20,}}|[a-z0-9_]{{0,5}}[a-z0-9]{{26,}}){_END}"),
    (r"fw_", rf"(?=[A-Za-z]{{0,20}}\d){_ALNUM}{{22,}}"),
    (r"tgp_v1_", r"[\w-]{40,}"),
    (r"pcsk_", r"\w{40,}"),
    (r"lsv2_(?:pt|sk)_", rf"{_HEX}{{32}}_{_HEX}{{10}}"),
    (r"[ps]k-lf-", _UUID),
    (r"tvly-", r"[\w-]{30,}"),
    (r"jina_", r"[\w-]{40,}"),
    (r"pa-", r"(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[A-Z])[\w-]{43}(?![A-Za-z0-9])"),
    (r"wandb_v1_", r"\w{40,}"),
    (r"apify_api_", rf"{_ALNUM}{{30,}}"),
    (r"fc-", rf"{_HEX}{{32}}{_END}"),
    (r"e2b_", rf"{_HEX}{{40}}"),
    (r"bb_(?:live|test)_", r"[\w-]{20,}"),
    (r"key_", rf"{_HEX}{{64,}}"),
    # monitoring and flags
    (r"NR(?:AK|AA|II|IQ|RA|SP|BR|JS|AL)-", r"[\w-]{18,}"),  # New Relic, Grafana, Sentry, Dynatrace, Honeycomb, PostHog, …
    (r"glsa_", r"\w{32,}"),
    (r"glc_", rf"{_B64}{{32,}}"),
    (r"eyJrIjoi", rf"{_B64}{{50,}}"),
    (r"sntry[a-z]_", r"[\w+/=%-]{20,}"),
    (r"dt0[a-z]\d\d\.", r"[A-Za-z0-9-]{8,}\.[A-Za-z0-9]{60,}"),
    (r"hc[a-z][il][ck]_", rf"{_ALNUM}{{50,}}"),
    (r"ph[csxa]_", rf"{_ALNUM}{{32,}}"),
    (r"xa[ap]t-", _UUID),
    ("sdk- api- mob-", _UUID),
    (r"secret-", r"(?:(?:test|live)-[\w=-]{30,}|[A-Za-z0-9]{40,})"),
    (r"dd(?:app|pat|api)_", rf"{_ALNUM}{{30,}}"),
    # social networks, offices, tools
    (r"EAA", r"[A-Za-z0-9]{60,}"),  # Facebook, Instagram, Twitter, LinkedIn, Pinterest
    (rf"[0-9]\d{{14,15}}{_BAR}", r"(?=[\w-]{0,26}[A-Za-z])[\w-]{27,40}(?![A-Za-z0-9])"),
    (r"IG(?:QV|AA)", r"[\w-]{80,}"),
    ("AAAAAAAAAAAAAAAAAA", r"A{0,8}[\w%-]{40,}"),
    (r"pina_", r"\w{60,}"),
    (r"pat[A-Za-z0-9]{14}\.", rf"{_HEX}{{50,}}"),  # Airtable, Notion, Linear, Figma, Postman, Asana, Contentful, …
    (r"secret_", rf"(?=[A-Za-z]{{0,42}}\d){_ALNUM}{{40,}}"),
    (r"ntn_", rf"{_ALNUM}{{36,}}"),
    (r"lin_(?:api|oauth|wh)_", r"\w{32,}"),
    (r"fig[a-z]_", r"[\w-]{30,}"),
    (r"PMA[KT]-", r"[A-Za-z0-9-]{26,}"),
    (rf"[0-2]{_SLASH}\d{{14,17}}(?:{_COLON}|{_SLASH})(?:\d{{14,17}}{_COLON})?", rf"{_HEX}{{32}}"),
    (r"CFPAT-", r"[\w-]{40,}"),
    (r"tfp_", r"[\w-]{40,}"),
    (r"sl\.", r"(?:u\.)?[\w-]{100,}"),
    (r"00D", r"[A-Za-z0-9]{12,15}(?:!|%21)[\w.]{60,}"),
    (r"00", r"(?=[\w-]{0,39}[g-z])(?=[\w-]{0,39}[A-Z])(?=[\w-]{0,39}\d)[\w-]{40}(?![A-Za-z0-9])"),
    (r"1000\.", rf"{_HEX}{{32}}\.{_HEX}{{32}}"),
    (r"p8e-", r"[A-Za-z0-9_-]{32}"),
    (r"fio-u-", r"[\w=-]{60,}"),
    (r"rdme_", r"[a-z0-9]{60,}"),
    (r"sm_(?:aat|pat|sat)_", rf"{_ALNUM}{{16,}}"),
    (r"s-s4t2(?:ud|af)-", rf"{_HEX}{{60,}}"),
    (r"tk-us-", r"[\w-]{40,}"),
    ("sc_ ext_ scauth_ authress_", r"[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=%-]{30,}"),
    (r"ory_[a-z]{2,3}_", r"[\w.-]{30,}"),
    (r"n8n_api_", r"[\w.-]{30,}"),
    (r"cal_live_", rf"{_HEX}{{32}}"),
    (r"waka_", _UUID),
    (r"alcht_", rf"{_ALNUM}{{28,}}"),
    (r"CG-", rf"{_ALNUM}{{24}}{_END}"),
    (r"zpka_", r"\w{30,}"),
    (r"signkey-(?:prod|test|branch)-", rf"{_HEX}{{60,}}"),
    (r"tr_(?:dev|prod|stg|pat)_", rf"{_ALNUM}{{20,}}"),
    (r"polar_[a-z]{2,4}_", rf"{_ALNUM}{{30,}}"),
    (r"dub_", rf"(?=[A-Za-z]{{0,23}}\d){_ALNUM}{{24}}{_END}"),
)  # fmt: skip
"""Beginnings are separated by spaces; each starts with a letter, a digit or a class of them, where a word starts."""

BY_MIDDLE = (
    ("T3BlbkFJ", r"[\w-]{20,160}T3BlbkFJ[\w-]{20,}"),  # OpenAI
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{50,}"),  # Terraform
    ("Q~", r"[\w.~-]{3}\dQ~[\w.~-]{31,34}"),  # Microsoft
    ("AZDO", r"[A-Za-z0-9]{70,80}AZDO[A-Za-z0-9]{4}"),
    ("JQQJ99", r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{20,}"),
    ("AzSe", r"[A-Za-z0-9]{42}AzSe[A-Z][A-Za-z0-9]{5}"),
    ("AzFu", r"[\w-]{40,50}AzFu[\w-]{5,7}={0,2}"),
    ("AzCa", r"[A-Za-z0-9]{33}AzCa[A-Za-z0-9]{5,}"),
    ("ACDb", r"[A-Za-z0-9+/%]{70,100}ACDb[A-Za-z0-9+/%]{5,12}={0,2}"),
    ("ASt", r"[A-Za-z0-9+/%]{70,100}(?:\+|%2B)ASt[A-Za-z0-9+/%]{5,12}={0,2}"),
    ("+A", r"[A-Za-z0-9+/]{30,60}\+A(?:SB|EH|Rm|CR|IoT|PIM)[A-Za-z0-9+/]{5,}={0,2}"),
    ("%2BA", r"[A-Za-z0-9%]{30,60}%2BA(?:SB|EH|Rm|CR|IoT|PIM)[A-Za-z0-9%]{5,}"),
    ("NRAL", r"[A-Za-z0-9]{30,40}NRAL(?![A-Za-z0-9])"),  # New Relic
    ("jsn", r"[a-f0-9]{10}msh[a-f0-9]{15}p1[a-f0-9]{4,8}jsn[a-f0-9]{12}"),  # RapidAPI
    ("_mmk", r"\w{30,40}_mmk(?!\w)"),  # MaxMind
)
"""What none can miss in the middle of a token, and the whole token."""
