#!/bin/sh
# Makes the files of this folder again: keys, certificates and requests of openssl and ssh-keygen, most of which LF cannot
# take. TestForeignFiles in signer_foreign_test.go says for each what a user must be told. Needs openssl 3 and ssh-keygen.
set -eu
cd "$(dirname "$0")"
find . -type f ! -name make.sh -delete
export RANDFILE=/dev/null

# Keys.
openssl genpkey -algorithm ed25519 -out good.key
openssl pkey -in good.key -outform DER -out good.key.der
openssl pkey -in good.key -pubout -out public.key
openssl pkcs8 -topk8 -in good.key -passout pass:secret -out encrypted.key
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl rsa -in rsa.key -traditional -out rsa-traditional.key 2>/dev/null
openssl rsa -in rsa.key -traditional -aes128 -passout pass:secret -out rsa-encrypted.key 2>/dev/null
openssl genrsa -out rsa1024.key 1024 2>/dev/null
openssl ecparam -name prime256v1 -genkey -out ec.key
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec-pkcs8.key
openssl genpkey -algorithm x25519 -out x25519.key
openssl genpkey -algorithm ed448 -out ed448.key
ssh-keygen -q -t ed25519 -N '' -C '' -f ssh.key
ssh-keygen -q -t ed25519 -N secret -C '' -f ssh-encrypted.key
rm ssh-encrypted.key.pub

# Certificates of CAs. Without -addext, openssl req makes a CA without keyUsage.
usage='keyUsage=critical,keyCertSign,cRLSign'
ca() { # FILE KEY SUBJECT [openssl req's arguments]
	file=$1 key=$2 subject=$3
	shift 3
	openssl req -x509 -new -key "$key" -subj "$subject" -days 36500 -out "$file" "$@"
}
ca good.crt good.key '/CN=Good CA' -addext "$usage"
ca no-usage.crt good.key '/CN=CA without keyUsage'
ca leaf.crt good.key '/CN=Leaf' -addext 'basicConstraints=critical,CA:FALSE' -addext 'keyUsage=digitalSignature'
ca unnamed.crt good.key '/' -addext "$usage"
ca pathlen.crt good.key '/CN=Short CA' -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext "$usage"
ca critical.crt good.key '/CN=Constrained CA' -addext "$usage" -addext 'nameConstraints=critical,permitted;DNS:example.org'
ca rsa.crt rsa.key '/CN=RSA CA' -addext "$usage"
ca rsa1024.crt rsa1024.key '/CN=Weak CA' -addext "$usage"
ca ec.crt ec.key '/CN=EC CA' -addext "$usage"
openssl req -new -key good.key -subj '/CN=Version 1' | openssl x509 -req -signkey good.key -days 36500 -out version1.crt 2>/dev/null
openssl req -new -key good.key -subj '/CN=Good below RSA' -out below.csr
printf 'basicConstraints=critical,CA:TRUE\n%s\n' "$usage" > below.ext
openssl x509 -req -in below.csr -CA rsa.crt -CAkey rsa.key -set_serial 7 -days 36500 -extfile below.ext -out below-rsa.crt 2>/dev/null
rm below.csr below.ext

# The times of a certificate can only be chosen with openssl ca.
mkdir made
: > made/index
cat > made/config <<'END'
[ca]
default_ca = it
[it]
database = made/index
new_certs_dir = made
serial = made/serial
default_md = default
policy = any
x509_extensions = authority
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[req]
distinguished_name = empty
[empty]
END
echo 01 > made/serial
dated() { # FILE SUBJECT FROM UNTIL
	openssl req -new -key good.key -subj "$2" -out made/csr
	openssl ca -config made/config -batch -notext -selfsign -keyfile good.key -in made/csr -startdate "$3" -enddate "$4" -out "$1" 2>/dev/null
}
dated expired.crt '/CN=Expired CA' 20200101000000Z 20210101000000Z
dated future.crt '/CN=Future CA' 20900101000000Z 20950101000000Z
rm -r made

# The good one in other forms.
openssl x509 -in good.crt -outform DER -out good.crt.der
openssl x509 -in good.crt -trustout -out trusted.crt
openssl pkcs12 -export -inkey good.key -in good.crt -passout pass: -out good.p12
openssl crl2pkcs7 -nocrl -certfile good.crt -out good.p7b
openssl x509 -in good.crt -text -out text.crt
sed 's/$/\r/' good.crt > crlf.crt
(printf '\357\273\277'; cat good.crt) > bom.crt
(printf '\377\376'; iconv -f UTF-8 -t UTF-16LE good.crt) > utf16.crt

# Requests.
openssl req -new -key good.key -subj '/CN=Owner' -out good.csr
openssl req -new -key good.key -subj '/CN=Owner' -outform DER -out good.csr.der
openssl req -new -key good.key -subj '/' -out unnamed.csr
openssl req -new -key rsa.key -subj '/CN=Owner' -out rsa.csr
