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
psql -h db -p 5432 -U app
redis-cli -p 6379 ping
redis-cli -h cache -n 3 KEYS *
mysql -u root -p mydb
mysqladmin -p status
curl -s -o /dev/null https://h
curl -X POST -H 'Accept: */*' https://h
docker login -u bob reg.io
login failed - retry in 5 s
user login -p flag is deprecated
unzip -o a.zip -d /tmp
zip -r a.zip dir
ldapsearch -x -b dc=example,dc=org
openssl x509 -in a.pem -noout
openssl enc -aes-256-cbc -in a
sqlcmd -S host -Q query
snmpwalk -v2c host
tar -xzf a.tar.gz
the password policy v2 is active
password sha256 digests are stored
password reset 2024-01-02 for bob
password expires in 30 days
password attempts 5
password 3 of 5 attempts
pin 13 set high
PIN header j12
GPIO pin 21 is high
otp service v2 started
OTP sent to user 1234567
verification code sent to 5 users
verification code has 6 digits
verification code expired after 600 seconds
your code is 404
your code is broken
your code has 120 errors
error code 500123
exit code 137
exit code is 12345
status code is 50012
country code 0049
zip code 94103
zip code is 94103
postal code 10115
area code 4155
use code 200 for that
use code completion 2024
enter code block 1234
order code: 482913
promo code SUMMER2024
currency code is 0978
return code is 1073741819
Response code 404 for 1234 requests
access code path a/b
token bucket refilled 500
token count 4096 tokens
token ring0 attached
token 5 of 17
token expired at 1732500000
token type a1
invalid token at line 3 column 17
unexpected token in JSON at position 12345
token default-token-x7k2p mounted
secret default-token-x7k2p mounted
secret my-app-tls-8f7g9 not found
MountVolume.SetUp failed for volume "x" : secret "foo-tls-8f7g9h2" not found
secret is out
the secret is patience
secret version 3 created
session key exchange curve25519-sha256
key exchange algorithm ecdh-sha2-nistp256
api key rotation 2024-Q3
api key v2 format
api key for service a1 created
access key AKIDEXAMPLE was not found
password for alice is expired
password for alice was changed by admin1
password is required
password is too short
password is case-sensitive
password is base64-encoded
password is stored in vault2
password was last changed 2024-01-02
password set to expire in 30d
password changed to a stronger one
passphrase is empty
pass phrase missing
boarding pass codeshare LH123
pass key through to child1
pass code 5 tests
pass word count 100
{"tokens": ["a", "b"]}
{"tokens": ["the", "quick", "brown"]}
{"secrets": ["db-creds", "api-tls"]}
imagePullSecrets: ["regcred"]
{"passwords": []}
{"password": {"value": ""}}
{"keys": ["a1b2c3d4e5"]}
{"api_keys": ["primary", "secondary"]}
fields: {"password": {"type": "string", "minLength": 8}}
{"password": {"required": true}}
"password": {"$ref": "#/x"}
Password:\nEnter again
| password | varchar(64) | NO |
| token    | char(36)    | YES |
password   varchar(255) not null
token      uuid
password char(60) NOT NULL,
session 7f3a9c2e closed
session abc123def456 opened
cookie jar 3 of 5
auth plugin caching_sha2_password loaded
auth method scram-sha-256 used
authentication ok for user u1234
basic usage2 example
bearer channel b1234 allocated
jwt library v9.1.2 loaded
sid 1:2019401:26
snort sid 2019401
salt version 3006.1
hmac algorithm hmac-sha2-256
cvv check passed 123
cvc result M
ticket 4829131 closed
ticket INC0012345 updated
csrf check passed
trace 4bf92f3577b34da6a3ce929d0e0e4736
commit 3f2a1b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a pushed
image sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
uuid 123e4567-e89b-12d3-a456-426614174000 and 123e4567e89b12d3a456426614174000
float 3.141592653589793 2.718281828459045
2024-01-02T03:04:05.678901+00:00 ok
epoch 1732500000 1732500000123 1732500000123456
pod web-7d9f8b6c5d-x2x4z on node ip-10-0-1-23.ec2.internal
/var/lib/docker/overlay2/3f2a1b9c8d7e6f5a4b3c2d1e0f9a8b7c/merged
version 1.2.3.4567 build 20241125.1
numpy==1.26.4 torch==2.1.0+cu118
0x7ffee4c3a9b8 0xdeadbeefcafebabe
MAC 00:1b:44:11:3a:b7
isbn 978-3-16-148410-0
ean 4006381333931
invoice 2024-000123-45
order 4111-2222-3333-4445 shipped
part 1234-5678-9012
lat 52.520008 lon 13.404954
50.1109, 8.6821
bytes=123456789 offset=9876543210 size=1234567890123
pid 12345 tid 140735123456789
port 5432 8080 9090 3000
ratio 16:9 12:34:56 00:00:01.234
range 100-200-300 1-2-3
ISO 8601:2004 RFC 7519 IEEE 802.11ac
HTTP/1.1 200 1234 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
10.0.0.1 - - [25/Nov/2025:22:11:07 +0000] "GET /a/b?page=2&size=50 HTTP/1.1" 200 5123 0.123
GET /api/v1/users/12345/orders/67890 200 12ms
SELECT * FROM users WHERE id = 12345 -- 3 rows
worker (pid:123) exited with code 3
retrying in 5 seconds (attempt 3/10)
disk usage 85% of 1.8T
phone home disabled
telephone exchange rebooted 3 times
call to 1234567 returned
mobile 4g 150 mbps
fax machine 3 offline
account 12345678 locked
bank holiday 2024-12-25
iban validation failed
card 4111 declined
card ending 1111
card 1234567890123456 invalid luhn
visa application 123456789
tin 12345
ssn format NNN-NN-NNNN
123-45-678 9
AA12345678
user@host:~$ ls
root@localhost
git@github.com:org/repo.git
pkg@1.2.3 @types/node@20.1.0
@app.route("/x")
foo@bar
name@example
a@b.c
password:␤  min_length: 8
token:␤  issuer: https://idp.example
secret:␤  secretName: my-app
password is base64-encoded
basic usage2 example
"""
