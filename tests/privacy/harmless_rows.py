"""Lines that only sound as if they held a secret."""

from __future__ import annotations

HARMLESS = r"""
authenticated ok
token expired
Token expired at 2024-01-02T03:04:05Z
max_tokens=100
max_tokens: 4096
completion_tokens=17, prompt_tokens=230, total_tokens=247
primary_key=id
primary_key: user_id
KeyError: 'key'
KeyError: 'password'
KeyError: 'api_key'
password: required
password must be at least 12 characters
Password reset for user 1234 requested
password changed for bob
Failed password for root from 10.1.2.3 port 22 ssh2
Accepted password for root from 10.1.2.3 port 22 ssh2
token_type=bearer
token_type: Bearer
"token_type": "Bearer", "expires_in": 3600
grant_type=password
grant_type=refresh_token&scope=read
authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=1.2.3.4
auth method: publickey
auth=plain
auth_method=iam
auth: ok
Auth: disabled
session opened for user root by (uid=0)
session closed
session: closed
session_count=5
sessions=12
session timeout: 30s
sessionTimeout=40000
0x14ed93111f20027 sessionid:0x14ed93111f20027
pass: 12, fail: 0
PASS: test_login
passed=10 failed=2
pass=3
tests passed: 33
bypass=true
compass: north
passenger: 12A
password_length=12
password_file=/run/secrets/db
password_policy=strict
secret_name=my-app
secret "default-token" not found
secrets: loaded 12
SECRET_MANAGER=aws
cache_key=user:42:profile
cache key: 5d41402abc4b2a76b9719d911017c592
partition_key=2024-01-01
routing_key=orders.created
idempotency_key=550e8400-e29b-41d4-a716-446655440000
foreign key constraint fails
sort_key=created_at
key=value
key: abc123def456
keys=12
keyspace=main
keyboard: us
monkey=1
turkey: 5
public_key=ssh-rsa
signature verification failed
signature: def f(x, y) -> int
method signature: foo(int)
invalid signature for request 12
signing with RS256
signal=9
sig=SIGTERM
signal: killed
side=left
inside: true
resid=12
pid=1234
ping=12ms
pin=13
spin: 4
shipping: 2024-01-01
opinion: good
top=10
option=full
optimizer: adam
stop=12
code=200
status_code=500
error_code: E1234
exit code: 137
error code: 0x80070005
response code=404
cookie: enabled
cookies=3
cookie consent accepted
salt=true
basic auth failed
basic authentication required
Basic usage: run foo
Bearer token missing
bearer token is invalid
WWW-Authenticate: Bearer realm="example"
www-authenticate: Basic realm=x
Authorization header missing
Authorization: missing
authorization failed for user bob
author=bob
authors: alice, bob
authority=example.com
unexpected token < in JSON at position 0
Unexpected token '}' at line 4
SyntaxError: Unexpected token u in JSON at position 0
Invalid token: unexpected EOF
unknown token "foo"
next_token=abcdef0123456789
nextPageToken: CAUQAA
tokenize: 3 ms
tokens/s: 45.2
token bucket: 100
token count: 512
credentials: include
credentials loaded from /home/u/.aws/credentials
credential helper: osxkeychain
Found credentials in shared credentials file: ~/.aws/credentials
access key not found
api key is required
api key missing
API key: not set
api_key=None
api_key=null
api_key=${API_KEY}
password=%s
password=$PASSWORD
password={password}
password=<redacted>
password=********
password=[REDACTED]
password: xxxxxxxx
password = request.form["password"]
password = getpass.getpass()
password=os.environ["DB_PASSWORD"]
token = request.headers.get("x")
self.token = token
def login(user, password):
if not user.check_password(password):
required fields: ["username", "password", "email"]
fields=('password', 'email')
columns: id, password, email
SELECT id, password FROM users WHERE id = ?
{"password": ["This field is required."]}
{"password": "This field may not be blank."}
{"detail": "Authentication credentials were not provided."}
{"error": "invalid_token", "error_description": "The token expired"}
{"type": "string", "format": "password"}
{"secret": null, "token": true}
secret: str = Field(...)
password: str
password: Optional[str] = None
token: Token = Depends(get_token)
class PasswordField(CharField):
File "/app/auth.py", line 3, in login
from app.auth import token_required
GET /login?next=/home 200
GET /auth/callback 302
POST /oauth/token HTTP/1.1" 200
POST /api/v1/password/reset 204
https://example.com/docs/api-keys#rotate
loaded plugin password-strength v1.2.3
arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf
projects/p/secrets/db-password/versions/3
uid=1000(bob) gid=1000(bob)
commit 9f86d081884c7d659a2feaa0c55ad0159f86d081
sha256:9f86d081884c7d659a2feaa0c55ad0159f86d0819f86d081884c7d659a2feaa0
request_id=550e8400-e29b-41d4-a716-446655440000
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"
docker run -p 8080:80 nginx
ssh -p 2222 host
mysql -h db -P 3306
grep -u foo:bar
mkdir -p /tmp/a/b
python -u main.py
sudo -u postgres psql
docker run --user 1000:1000 img
chown -R --user app:app
rsync -p src dst
test_parse_v2_response_with_a_very_long_function_name_1 PASSED
org.apache.hadoop.mapreduce.v2.app.launcher.ContainerLauncherImpl
container_1445144423722_0020_01_000001
application_1445144423722_0020
blk_-1608999687919862906 terminating
job_live_migration_of_the_instances_12
pod api-gateway-7d9f8b6c5d-x2x4z started
image registry.example.com/app:v1.2.3-rc.1+build.20240101
node_modules/sk-something-with-a-long-name/index.js
sk-toolbar-item-component-v2-large
com.apple.security.keychain
dashboard key-bindings-for-editor-mode-v2
version 1.2.3-alpha.4+5d41402abc4b2a76b9719d911017c592
hf_transfer enabled
npm_config_registry=https://registry.npmjs.org/
gh_actions_runner_v2
s.ConcurrentHashMapSegment
secret_santa_list_of_people_2024
re_compile_pattern_with_long_names
user_session_manager_started=1
key_error_count=3
keepalive=60
monkeypatch=1
hotkey: ctrl+c
sshd[123]: pam_unix(sshd:session): session opened for user x
Kerberos: krb5_auth=ok
sidecar: injected
sid=S-1-5-21-3623811015-3361044348-30300820-1013
SID: ORCL
CVE-2024-12345
otp sent to user
OTP: sent
jwt expired
jwt: malformed
JWT verification failed: invalid signature
session=active
clave primaria: id
palabra clave: python
la contraseña es incorrecta
Passwort falsch
Kennwort ist abgelaufen
mot de passe incorrect
PWD=/home/bob/src
pwd: /srv/app
OLDPWD=/tmp
compassion: 7
passive=false
passthrough: on
pass_rate=0.95
pass_count: 7
first_pass=true
second_pass: 12.5
multipass=1
ssh_key_path=~/.ssh/id_rsa
api_key_count=2
api_keys: 3
token_ttl=3600
token_url: https://idp/token
access_token_lifetime=300
refresh_token_enabled=true
secret_rotation=30d
auth_provider: google
oauth_scopes=read,write
basic_auth_enabled=true
session_id is missing
password_hash is None
Key (id)=(?) already exists.
user 'bob' not found
it was a token gesture: nothing more
The secret to success: practice
The key to happiness is health
Please enter your PIN:
Enter password:
Password:
password? no
Is your password safe? Use a passphrase: it is longer
he paid for the passage: 12 dollars
the pin code is required
opening app wtoken = AppWindowToken{9f4ef63 token=Token{a64f992 ActivityRecord}}
Bad activity token: android.os.BinderProxy@2bd79ce
no event name for stream/token: com.apple.xpc.activity/4505: 132: Request failed
E1125 secret.go:194] Couldn't get secret kube-system/default-token-x7k2m: secret "default-token-x7k2m" not found
botocore.exceptions.ClientError: An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.
partition key: customer_id
sasl.jaas.config = null
sid=ORCLPDB1 service=orders
salt: minion-01 responded
X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678
fingerprint SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ
PASSWORD_HASHERS=['django.contrib.auth.hashers.PBKDF2PasswordHasher']
SESSION_COOKIE_NAME=sid_v2
session=<sqlalchemy.orm.session.Session object at 0x7f1>
credentials=CredentialsProvider(env)
User not known to the underlying authentication module
render pass=shadow
secret: kv/data/app
mysql -u root -p -h db
helm upgrade --install login ./chart -p 3
part no 114-68-6015 is out of stock
serial number: 536-22-1234
session 361 90 4250 is over
login of root@ip-10-0-9-17.ec2.internal
bank@node31.cluster.local joined
clock offset +85331430570
delta +679 6242 -778
"""
