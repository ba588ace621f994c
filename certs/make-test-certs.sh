#!/bin/sh
# Makes an authority, a server and a client certificate for tests on loopback, beside this script.
set -eu
cd "$(dirname "$0")"
umask 077

make_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

make_key ca.key
openssl req -x509 -new -key ca.key -days 90 -subj "/CN=Offhook test authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem

# name, common name, subjectAltName
issue() {
    make_key "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile "$1.ext" -out "$1.pem"
    rm -f "$1.csr" "$1.ext"
}
issue server localhost "DNS:localhost,IP:127.0.0.1,IP:::1"
issue client sbc.carrier-c.example "DNS:sbc.carrier-c.example"
rm -f ca.srl
echo "made: $(ls ./*.pem ./*.key | tr '\n' ' ')"
