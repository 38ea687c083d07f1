"""Writings in which a secret is known by what stands beside it; `␍␤` end lines.

`{S}` is a password, `{B}` a key in base 64, `{H}` one in hexadecimal.
"""

from __future__ import annotations

SECRETS = r"""
api_key = {S}
api_key={S}
API_KEY: {S}
apiKey: "{S}"
api-key: {S}
X-Api-Key: {S}
x-api-key={H}
"api_key": "{S}"
'api_key': '{S}'
{"apiKey":"{S}","n":1}
{\"apiKey\":\"{S}\"}
{\\\"password\\\":\\\"{S}\\\"}
?api_key={S}&x=1
https://h.io/a?access_token={S}
https://h/?x=1&apikey={H}#f
--api-key {S}
--api-key={S}
--token {S}
--password={S}
--password '{S}'
mysql -u root -p{S} db
sshpass -p {S} ssh h
docker login -u bob -p {S} reg.io
docker login --username bob --password {S}
curl -u bob:{S} https://h
curl --user 'bob:{S}' https://h
curl -H 'X-Api-Key: {S}' h
curl -H "Authorization: Bearer {S}" h
curl -H 'PRIVATE-TOKEN: {S}'
AWS_SECRET_ACCESS_KEY={B}
aws_secret_access_key = {B}
"SecretAccessKey": "{B}"
secretAccessKey: {B}
AWS_SESSION_TOKEN={B}
password={S}
password: {S}
Password = {S};
Pwd={S};
PWD={S};Database=x
Server=tcp:x;User ID=sa;Password={S};
PGPASSWORD={S} psql -h x
MYSQL_PWD={S}
DB_PASS={S}
db_pass: {S}
DATABASE_PASSWORD: '{S}'
dbPassword={S}
spring.datasource.password={S}
mail.smtp.password : {S}
jdbc:mysql://h/db?user=a&password={S}
host=db user=a password={S} dbname=x
host=db password='{S}' port=1
<password>{S}</password>
<Password>{S}</Password>
<add key="ApiKey" value="{S}"/>
<property name="password" value="{S}"/>
<input type="password" name="pw" value="{S}">
- name: DB_PASSWORD␤  value: {S}
{"name": "API_KEY", "value": "{S}"}
{"name":"DB_PASSWORD","value":"{S}"}
User(name='bob', password='{S}')
Config(host='x', api_key='{S}', port=1)
Settings(secret_key=SecretStr('{S}'))
{'user': 'bob', 'passwd': '{S}'}
{b'password': b'{S}'}
Namespace(token='{S}')
<User bob password={S}>
[('username', 'bob'), ('password', '{S}')]
(b'authorization', b'Bearer {S}')
(b'x-api-key', b'{S}')
(b'cookie', b'sid={S}')
Set-Cookie: sid={S}; Path=/; HttpOnly
Set-Cookie: sessionid={H}; HttpOnly
Cookie: session={S}
set-cookie: JSESSIONID={H}; Path=/
PHPSESSID={H}
JSESSIONID={H}
connect.sid={H}
client-key-data: {B}
token: {S}
auth: {S}
"identitytoken": "{B}"
//registry.npmjs.org/:_authToken={S}
_password={B}
machine h login bob password {S}
machine h␤login bob␤password {S}
client-secret: {S}
client_secret={S}
clientSecret={S}
ClientSecret: {S}
CLIENT_SECRET='{S}'
consumer_secret = "{S}"
contraseña: {S}
contraseña={S}
clave: {S}
clave_secreta={S}
mot de passe : {S}
mot_de_passe={S}
motdepasse: {S}
mdp={S}
Passwort: {S}
passwort={S}
Kennwort: {S}
senha={S}
wachtwoord: {S}
hasło: {S}
пароль: {S}
密码: {S}
parola: {S}
private_key={B}
encryption_key: {B}
signing_secret: {S}
SECRET_KEY = '{S}'
secret_key_base: {H}
JWT_SECRET={S}
webhook_secret={S}
master_key={H}
STRIPE_SECRET_KEY={S}
app_secret: {S}
access_token: {S}
accessToken={S}
refresh_token={S}
id_token={S}
auth_token={S}
authToken: '{S}'
sessionToken={S}
csrf_token={H}
csrfmiddlewaretoken={H}
X-CSRF-Token: {H}
X-Auth-Token: {S}
X-Amz-Security-Token: {B}
X-Vault-Token: {S}
authorization: Token {S}
Authorization: {S}
'Authorization': 'Bearer {S}'
"authorization":"ApiKey {S}"
Authorization=Bearer {S}
DefaultEndpointsProtocol=https;AccountName=a;AccountKey={B}==;EndpointSuffix=core.windows.net
Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey={B}=
https://a.blob.core.windows.net/c?sv=2020&se=2021&sig={S}%3D
passphrase: {S}
ssh_passphrase={S}
password is {S}
the password is: {S}
password '{S}' rejected
login failed with password "{S}"
la contraseña es {S}
ANSIBLE_BECOME_PASS={S}
vault_token={S}
export GITHUB_TOKEN={S}
set SECRET={S}
ENV API_TOKEN={S}
os.environ['API_KEY'] = '{S}'
os.environ.setdefault('DB_PASSWORD', '{S}')
define('DB_PASSWORD', '{S}');
define( 'AUTH_KEY', '{B}' );
config.password = "{S}"
password := "{S}"
password => '{S}'
api_key: str = "{S}"
auth=('bob', '{S}')
requests.get(url, auth=("bob", "{S}"))
password%3D{S}%26x
user[password]={S}
&password={S}
smtp_password = {S}
redis_auth={S}
REDIS_PASSWORD: "{S}"
bot_token={S}
-Dpassword={S}
-Djavax.net.ssl.keyStorePassword={S}
pw={S}
credential={S}
credentials: {S}
license_key={H}
ENCRYPTION_KEY=base64:{B}
psk={S}
wpa_psk={S}
bindPassword: {S}
&quot;password&quot;:&quot;{S}&quot;
Content-Disposition: form-data; name="password"␍␤␍␤{S}␍␤
password='it\'s{S}'
DD_API_KEY={H}
datadog_api_key: {H}
algolia_api_key={H}
azure_storage_key={B}==
subscription-key: {H}
Ocp-Apim-Subscription-Key: {H}
secret: {S}
"secret":"{S}"
signature={B}
X-Hub-Signature-256: sha256={H}
X-Amz-Signature={H}
Authorization: AWS4-HMAC-SHA256 Credential=A/2/x, SignedHeaders=h, Signature={H}
Authorization: Digest username="Mufasa", response="{H}"
Bearer {B}
token={S}
jwt={S}
session_id={H}
sessionid: {H}
refreshToken": "{S}"
password\": \"{S}\"
2025-01-01 ERROR login failed user=bob password={S} ip=1
payload={"user":"b","password":"{S}"}
\npassword={S}\n
\napi_key: {S}
MONGO_INITDB_ROOT_PASSWORD={S}
keystore.password={S}
ssl.key.password={S}
sasl.jaas.config=org.x.PlainLoginModule required username="a" password="{S}";
net.user.passwd={S}
user_password_hash=$2b$12${B}
WEBHOOK_URL_SECRET={S}
tf_var_db_password={S}
admin_password: '{S}'
newPassword={S}&confirmPassword={S}
old_password={S}
password_confirmation={S}
userPassword: {S}
unicodePwd: {S}
passwd={S}
password[0]={S}
Access-Token: {S}
api_secret_key={S}
secretKey={S}
awsSecretKey: {B}
storageAccountKey: {B}
hmac_key={H}
cookie_secret={H}
session_secret={H}
flask_secret_key: {S}
NEXTAUTH_SECRET={S}
apikey:{S}
private-key: {B}
x-goog-api-key: {S}
x-functions-key: {B}
api-token: {S}
SSHPASS={S}
rsync_password={S}
RAILS_MASTER_KEY={H}
NPM_TOKEN={H}
SONAR_TOKEN={H}
CI_JOB_TOKEN={S}
docker_password={S}
ftp://bob:{S}@h/
ldap password '{S}'
['mysql', '-p{S}']
['docker', 'login', '-u', 'bob', '-p', '{S}', 'reg.io']
('curl', '-u', 'bob:{S}', 'https://h')
["curl", "--user", "bob:{S}"]
["sshpass", "-p", "{S}", "ssh", "h"]
["--api-key", "{S}"]
exec "psql" "--password" "{S}"
aws configure set aws_secret_access_key {B}
CONFIG SET requirepass {S}
api key: {S}
access key = {S}
API key is {S}
Incorrect API key provided: {S}
code_verifier={B}
SAMLResponse={B}
client_assertion={B}
hmac={H}
ticket={B}
wpa-psk: {S}
bob:{S}@tcp(127.0.0.1:3306)/db
redis-cli -a {S} GET x
redis-cli -h cache -p 6379 -a '{S}' ping
['redis-cli', '-a', '{S}', 'ping']
valkey-cli -a {S}
mysql -p{S} db
mysqldump -uroot -p{S} db
mongo -u a -p {S}
mongosh -u a -p '{S}'
unzip -P {S} a.zip
['unzip', '-P', '{S}', 'a.zip']
zip -P {S} a.zip b
7z x -p{S} a.7z
sqlcmd -S h -U sa -P {S}
ldapsearch -w {S} -D cn=a
openssl enc -k {S} -in a
snmpget -v3 -A {S} -X {S} h
smbclient -U bob%{S} //h/s
wget --user=bob:{S} h
the token {H} is invalid
invalid token {H}
token '{H}' is unknown
token {H} expired
unknown api key {H}
password {H} rejected
bad password {H} for bob
passphrase {H}
pass phrase: {S}
pass phrase is {S}
password was {S}
password set to {S}
password changed to {S}
password for bob is {S}
password is '{S}'
Your password is: {S}
Password:␤{H}
password | {H} |
password|{H}
password: |␤  {S}
password: !!str {S}
password:␤  - {H}
password (value: {S})
password <- '{S}'
const apiKey: string = '{S}'
**password**: `{S}`
<b>password</b>: {H}
<td>api_key</td><td>{H}</td>
<dt>password</dt><dd>{H}</dd>
<entry key="password">{S}</entry>
ENV DB_PASSWORD {S}
{"password": ["{S}"]}
{"api_keys": ["{H}", "{H}"]}
{"password": {"value": "{S}"}}
\x1b[36mpassword\x1b[0m=\x1b[35m{S}\x1b[0m
\u001b[36mtoken\u001b[0m=\u001b[35m{S}\u001b[0m
"""
