"""How services publish that their tokens look; `[hex32]` is made at run time, so that nothing here looks like one."""

from __future__ import annotations

import random
import re
import string

_CLASSES = {
    "an": string.ascii_letters + string.digits,
    "word": string.ascii_letters + string.digits + "_-",
    "b64": string.ascii_letters + string.digits + "+/",
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "low": string.ascii_lowercase + string.digits,
    "up": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "let": string.ascii_letters,
    "dig": string.digits[1:],
}

CLOUDS = """
AKIA[b32x16] ASIA[b32x16] ABIA[b32x16] ACCA[b32x16] A3TX[b32x16] ABSK[b64x132] amzn.mws.[uuid] bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t[b64x90] IQoJb3Jp[b64x200] FwoGZXIv[b64x200] amzn1.oa2-cs.v1.[hexx64] Atza|[wordx120] 6Lc[wordx5]AAAAA[wordx27] AAAA[wordx7]:APA91b[wordx134] cfut_[anx40] dnkey-[anx26]-[anx52] [anx33]AzCaA[anx5]= AIza[wordx35] ya29.[wordx80] GOCSPX-[wordx28]
1//0[wordx60] GOOG[upx24] GOOG1E[upx57] LTAI[anx20] LTAI5t[anx18] AKID[anx32] AKLT[anx43] AQVN[wordx36] t1.[wordx40].[wordx86] y0_[wordx55] YC[wordx38]
YCAJ[wordx21] SCW[upx17] dop_v1_[hexx64] doo_v1_[hexx64] dor_v1_[hexx64] DO00[upx16] HRKU-AA[wordx58] fo1_[wordx43] fm2_[b64x120] fm1r_[b64x120]
rnd_[anx28] rnd_[anx32] nfp_[anx36] nfp_[anx40] vcp_[anx56] vercel_blob_rw_[anx16]_[anx30] ddp_[anx36] v1.0-[hexx24]-[hexx146] tskey-auth-[anx12]CNTRL-[anx32]
tskey-api-[anx12]CNTRL-[anx32] 2[anx26]_[anx21] [wordx3]8Q~[wordx34] [anx76]AZDO[anx4] [anx52]JQQJ99[anx26] [anx42]AzSeA[anx5] [wordx44]AzFu[wordx4]A==
[b64x76]ACDb[b64x6]== [b64x76]+ASt[b64x6]== [b64x42]+ACRA[b64x5] dapi[hexx32] dapi[hexx32]-2 dose[hexx32]
"""
CODE = """
ghp_[anx36] gho_[anx36] ghu_[anx36] ghs_[anx36] ghr_[anx76] github_pat_[anx22]_[anx59] glpat-[wordx20] glpat-[wordx27].01.[lowx9] gldt-[wordx20] glrt-[wordx20]
glrt-t1_[wordx27].01.[lowx9] glcbt-[hexx2]_[wordx20] glptt-[hexx40] glft-[wordx20] glimt-[wordx25] glagent-[wordx50] gloas-[hexx64] glsoat-[wordx20]
glffct-[wordx20] glrtr-[wordx20] GR1348941[wordx20] ATBB[anx32] ATATT3[wordx180]=[HEXx8] ATCTT3[wordx180]=[HEXx8] ATSTT3[wordx180] ATTA[hexx64] bkua_[hexx40]
bkct_[wordx40] CCIPAT_[anx22]_[hexx40] CCIPRJ_[anx22]_[hexx40] 11[hexx32] API-[upx26] pat.[wordx22].[hexx24].[anx20] sqp_[hexx40] squ_[hexx40] sqa_[hexx40]
sgp_[hexx16]_[hexx40] sgp_[hexx40] sgp_[anx64] slk_[hexx64] snyk_uat.[hexx8].[wordx60] ico-[anx32] npm_[anx36] pypi-AgEIcHlwaS5vcmc[wordx150] pypi-AgENdGVzdC5weXBpLm9yZw[wordx120]
dckr_pat_[wordx27] dckr_oat_[wordx32] oy2[lowx43] cio[anx32] rubygems_[hexx48] CLOJARS_[lowx60] AKCp[anx69] cmVmdGtu[anx56] clojars_[hexx60] jsrp_[anx36] sat.[wordx22].[hexx24].[anx20] packagist_uut_[hexx68] bkaj_[anx40]
"""
SECRETS = """
hvs.[wordx95] hvb.[wordx140] hvr.[wordx95] s.[anx24] dp.pt.[anx43] dp.st.prd.[anx43] dp.ct.[anx43] dp.sa.[anx43] dp.audit.[anx43] ops_eyJ[b64x250] A3-[upx6]-[upx11]-[upx5]-[upx5]-[upx5]
A3-[upx6]-[upx6]-[upx5]-[upx5]-[upx5]-[upx5] AGE-SECRET-KEY-1[upx58] pul-[hexx40] sha256~[wordx43] [anx14].atlasv1.[anx67] pscale_tkn_[wordx43] pscale_pw_[wordx43] pscale_oauth_[wordx43]
sbp_[hexx40] sb_secret_[wordx31] napi_[lowx64] mdb_sa_sk_[wordx40] AVNS_[wordx19] 4b1d[anx38] xau_[anx40] dbtc_[anx40] pnu_[anx36] essu_[b64x60] npg_[anx12]7[anx7] cflt[b64x60] token-[lowx5]:[lowx54] SWMTKN-1-[lowx50]-[lowx25] CCDB1_[anx22]_[anx40] st.[hexx24].[hexx32].[hexx32]
"""
CHAT = """
xoxb-[digx12]-[digx13]-[anx24] xoxp-[digx12]-[digx12]-[digx12]-[hexx32] xoxa-2-[digx12]-[digx12]-[digx12]-[hexx32] xoxe-1-[anx146] xoxe.xoxp-1-[anx163] xoxs-[digx10]-[digx10]-[digx10]-[hexx10]
xoxc-[digx12]-[digx12]-[digx12]-[hexx64] xoxd-[anx100] xapp-1-A[upx10]-[digx13]-[hexx64] https://hooks.slack.com/services/T[upx10]/B[upx10]/[anx24]
https://hooks.slack.com/workflows/T[upx8]/A[upx8]/[digx18]/[anx24] https://discord.com/api/webhooks/[digx18]/[wordx68] https://discordapp.com/api/webhooks/[digx19]/[wordx68]
https://canary.discord.com/api/v10/webhooks/[digx19]/[wordx68] M[anx23].[wordx6].[wordx27] N[anx25].[wordx6].[wordx38] O[anx25].[wordx6].[wordx38]
https://acme.webhook.office.com/webhookb2/[uuid]@[uuid]/IncomingWebhook/[hexx32]/[uuid] [digx10]:AA[wordx33] [digx9]:AA[wordx33] SG.[wordx22].[wordx43] key-[hexx32]
[hexx32]-[hexx8]-[hexx8] [hexx32]-us21 md-[wordx22] xkeysib-[hexx64]-[anx16] xsmtpsib-[hexx64]-[anx16] re_[anx8]_[anx24] SK[hexx32] AC[hexx32] pat-na1-[uuid] pat-eu1-[uuid]
os_v2_app_[lowx103] sec-c-[anx50] pub-c-[uuid] sub-c-[uuid] dG9rO[b64x60] xwfp-[wordx40] mfa.[wordx84] bot[digx10]:AA[wordx33] https://outlook.office.com/webhook/[uuid]@[uuid]/IncomingWebhook/[hexx32]/[uuid] pk_[hexx34] pk_[digx8]_[upx32] KEY[HEXx32]_[anx22]
"""
PAYMENT = """
sk_live_[anx24] sk_test_[anx24] rk_live_[anx24] pk_live_[anx24] sk_live_51[anx99] rk_test_51[anx99] sk_prod_[anx24] whsec_[anx32] pi_[anx24]_secret_[anx24] sq0atp-[wordx22] sq0csp-[wordx43] EAAA[wordx60]
access_token$production$[lowx16]$[hexx32] access_token$sandbox$[lowx16]$[hexx32] A21AA[wordx90] rzp_live_[anx14] rzp_test_[anx14] FLWSECK-[hexx32]-X FLWSECK_TEST-[hexx32]-X FLWPUBK_TEST-[hexx32]-X
FLWSECK_TEST-[hexx12] access-sandbox-[uuid] access-production-[uuid] live_[anx40] test_[anx30] shpat_[hexx32] shpca_[hexx32] shppa_[hexx32] shpss_[HEXx32] pdl_live_apikey_[lowx26]_[anx22]_[anx3]
xnd_production_[anx50] SB-Mid-server-[wordx24] APP_USR-[digx16]-[digx6]-[hexx32]-[digx9] klarna_live_api_[anx40] EZAK[anx54] EZTK[anx54] shippo_live_[hexx40] duffel_test_[wordx43] cfsk_ma_prod_[hexx32]_[hexx8]
bxt_[anx36] AQEyhmfx[b64x80] seti_[anx24]_secret_[anx24] public-sandbox-[uuid] link-production-[uuid] processor-sandbox-[uuid] sandbox_[wordx40] test_pub_[hexx31]0A1a live_[anx25]
TEST-[digx16]-[digx6]-[hexx32]-[digx9] skey_test_[lowx19] pkey_[lowx19] persona_production_[uuid] sk_dev_[anx60]
"""
MODELS = """
sk-[anx20]T3BlbkFJ[anx20] sk-proj-[wordx74]T3BlbkFJ[wordx74] sk-svcacct-[wordx58]T3BlbkFJ[wordx58] sk-admin-[wordx58]T3BlbkFJ[wordx58] sk-proj-[anx48] sk-ant-api03-[wordx93]AA sk-ant-admin01-[wordx93]AA sk-ant-oat01-[wordx93]AA
sk-or-v1-[hexx64] sk-[hexx32] sk-lf-[uuid] gsk_[anx52] r8_[anx37] pplx-[anx48] xai-[anx80] nvapi-[wordx64] hf_[letx34] hf_[anx34] api_org_[letx34] csk-[lowx48] sk_[hexx48] fw_[anx24] tgp_v1_[wordx43] pcsk_[anx6]_[anx63]
lsv2_pt_[hexx32]_[hexx10] tvly-[anx32] tvly-dev-[anx32] jina_[hexx32][anx28] pa-[wordx43] apify_api_[anx36] fc-[hexx32] e2b_[hexx40] bb_live_[wordx27] AQ.Ab8[wordx48] wandb_v1_[anx80] sess-[anx40] key_[hexx128] llx-[anx48]
"""
MONITORING = """
NRAK-[upx27] NRII-[wordx32] NRJS-[hexx19] [hexx36]NRAL glsa_[anx32]_[hexx8] glc_[b64x100]= eyJrIjoi[anx80]== sntrys_eyJpYXQiO[b64x120]_[b64x43] sntryu_[hexx64] dt0c01.[upx24].[upx64] dt0s01.[upx8].[upx64] hcaik_[lowx58]
phc_[anx43] phx_[anx43] xaat-[uuid] xapt-[uuid] sdk-[uuid] api-[uuid] mob-[uuid] ddapp_[anx34] secret-[anx43] secret-test-[wordx36]=
"""
OFFICE = """
EAAC[anx150] EAAB[anx170] [digx16]|[anx27] AAAAAAAAAAAAAAAAAAAAAA[anx80] pina_[anx70] pat[anx14].[hexx64] secret_[anx43] ntn_[digx11][anx35] lin_api_[anx40] lin_oauth_[hexx64] figd_[wordx40] figo_[anx36] PMAK-[hexx24]-[hexx34]
PMAT-[upx26] 1/[digx16]:[hexx32] 2/[digx16]/[digx16]:[hexx32] CFPAT-[wordx43] tfp_[anx44]_[anx14] sl.[wordx130] 00[wordx40] 00D[anx12]![anx96] 1000.[hexx32].[hexx32] p8e-[lowx32] fio-u-[wordx64] rdme_[lowx70]
sm_aat_[anx16] s-s4t2ud-[hexx64] tk-us-[wordx48] ory_at_[wordx43].[wordx43] cal_live_[hexx32] waka_[uuid] alcht_[anx30] [anx6]_[anx29]_mmk AIzaSy[wordx33] pk.eyJ1[anx60].[wordx22] sk.eyJ1[anx80].[wordx22]
IGQVJ[wordx150] authress_[anx20].[anx5].acc-[lowx20].[b64x60] sc_[anx20].[anx5].acc_[lowx20].[wordx60] ext_[anx9].[anx5].acc-[lowx20].[wordx60] scauth_[anx9].[anx5].acc-[lowx20].[wordx60]
n8n_api_[anx40] CG-[anx24] zpka_[hexx32]_[hexx8] signkey-prod-[hexx64] tr_prod_[anx20] tr_pat_[lowx40] polar_oat_[anx43] dub_[anx24] [hexx10]msh[hexx15]p1[hexx6]jsn[hexx12]
"""
ALL = [template for group in (CLOUDS, CODE, SECRETS, CHAT, PAYMENT, MODELS, MONITORING, OFFICE) for template in group.split()]


def made(template: str, seed: int) -> str:
    """Return a token of this shape."""
    chance = random.Random(f"{template}{seed}")  # noqa: S311 - the same in every run

    def part(found: re.Match[str]) -> str:
        name, _, count = found[1].rpartition("x")
        if not name:
            return "-".join("".join(chance.choices(_CLASSES["hex"], k=size)) for size in (8, 4, 4, 4, 12))
        return "".join(chance.choices(_CLASSES[name], k=int(count)))

    return re.sub(r"\[(uuid|[A-Za-z0-9]+x\d+)\]", part, template)
