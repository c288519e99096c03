//! An identity provider that can be told to lie. It signs by itself (text written in canonical form, OpenSSL), so that it
//! shares no code with what it tests; it uses no item of this crate either, so that a black-box test can include it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::encrypt::Encrypter;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode, encrypt_aead};
use openssl::x509::{X509, X509NameBuilder};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const USER: &str = "user@example.test";
pub const ADMIN: &str = "admin@example.test";

/// A private key and a certificate around it.
pub struct Identity {
    pub key: PKey<Private>,
    /// What is encrypted to it.
    pub public: PKey<Public>,
    pub certificate: Vec<u8>,
}

impl Identity {
    pub fn rsa(bits: u32) -> Self {
        Self::around(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    pub fn ec() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Self::around(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    /// The same in every run, and known to everybody: what it signed yesterday it has signed today.
    pub fn known() -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let private = BigNum::from_slice(&[0x2a; 32]).unwrap();
        let mut public = EcPoint::new(&group).unwrap();
        public.mul_generator2(&group, &private, &mut BigNumContext::new().unwrap()).unwrap();
        let key = EcKey::from_private_components(&group, &private, &public).unwrap();
        Self::around(PKey::from_ec_key(key).unwrap())
    }

    pub fn certificate_pem(&self) -> Vec<u8> {
        X509::from_der(&self.certificate).unwrap().to_pem().unwrap()
    }

    pub fn around(key: PKey<Private>) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "idp").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1_900_000_000).unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = builder.build();
        Self { key, public: certificate.public_key().unwrap(), certificate: certificate.to_der().unwrap() }
    }
}

/// The words of one signature; each can be wrong.
#[derive(Clone)]
pub struct Sign<'a> {
    pub by: &'a Identity,
    /// Instead of the key: HMAC with this secret.
    pub secret: Option<Vec<u8>>,
    pub algorithm: &'a str,
    pub digest: &'a str,
    pub canonicalization: &'a str,
    pub transforms: String,
    pub uri: Option<&'a str>,
    pub references: usize,
    /// What stands in KeyInfo.
    pub key_info: String,
    /// Appended inside Signature.
    pub object: &'a str,
}

pub fn x509_data(certificate: &[u8]) -> String {
    let certificate = STANDARD.encode(certificate);
    format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>")
}

pub fn transform(uri: &str) -> String {
    format!(r#"<ds:Transform Algorithm="{uri}"></ds:Transform>"#)
}

pub fn enveloped() -> String {
    transform("http://www.w3.org/2000/09/xmldsig#enveloped-signature")
}

impl<'a> Sign<'a> {
    pub fn by(by: &'a Identity) -> Self {
        let ec = by.key.ec_key().is_ok();
        Self {
            by,
            secret: None,
            algorithm: if ec { "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" } else { RSA_SHA256 },
            digest: SHA256,
            canonicalization: EXC_C14N,
            transforms: enveloped() + &transform(EXC_C14N),
            uri: None,
            references: 1,
            key_info: x509_data(&by.certificate),
            object: "",
        }
    }

    /// `xml` is one element in canonical form with `id`; the signature goes behind its Issuer.
    pub fn apply(&self, xml: &str, id: &str) -> String {
        let at = xml.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        format!("{}{}{}", &xml[..at], self.signature(xml, id), &xml[at..])
    }

    pub fn signature(&self, xml: &str, id: &str) -> String {
        let digested = STANDARD.encode(hash(message_digest(self.digest), xml.as_bytes()).unwrap());
        let own = format!("#{id}");
        let reference = format!(
            r#"<ds:Reference URI="{}"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm="{}"></ds:DigestMethod><ds:DigestValue>{digested}</ds:DigestValue></ds:Reference>"#,
            self.uri.unwrap_or(&own),
            self.transforms,
            self.digest
        );
        let body = format!(
            r#"<ds:CanonicalizationMethod Algorithm="{}"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="{}"></ds:SignatureMethod>{}</ds:SignedInfo>"#,
            self.canonicalization,
            self.algorithm,
            reference.repeat(self.references)
        );
        let signed = format!(r#"<ds:SignedInfo xmlns:ds="{DS}">{body}"#);
        let value = STANDARD.encode(self.value(signed.as_bytes()));
        format!(
            r#"<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{body}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>{}</ds:KeyInfo>{}</ds:Signature>"#,
            self.key_info, self.object
        )
    }

    fn value(&self, signed: &[u8]) -> Vec<u8> {
        if let Some(secret) = &self.secret {
            let secret = PKey::hmac(secret).unwrap();
            return Signer::new(MessageDigest::sha256(), &secret).unwrap().sign_oneshot_to_vec(signed).unwrap();
        }
        let mut signer = Signer::new(message_digest(self.algorithm), &self.by.key).unwrap();
        let value = signer.sign_oneshot_to_vec(signed).unwrap();
        if self.by.key.ec_key().is_err() {
            return value;
        }
        let value = openssl::ecdsa::EcdsaSig::from_der(&value).unwrap();
        [value.r().to_vec_padded(32).unwrap(), value.s().to_vec_padded(32).unwrap()].concat()
    }
}

fn message_digest(uri: &str) -> MessageDigest {
    match uri.rsplit(['#', '-']).next().unwrap() {
        "sha1" => MessageDigest::sha1(),
        "sha384" => MessageDigest::sha384(),
        "sha512" => MessageDigest::sha512(),
        "md5" => MessageDigest::md5(),
        _ => MessageDigest::sha256(),
    }
}

/// How an assertion is encrypted.
pub struct Encrypt<'a> {
    pub to: &'a Identity,
    /// After the `#`: `aes256-gcm`, `aes128-cbc`, ...
    pub data: &'a str,
    pub key: &'a str,
    /// Of OAEP; empty: not said, that is SHA-1.
    pub digest: &'a str,
    pub mgf: &'a str,
    /// Bytes cut off the end of the ciphertext.
    pub cut: usize,
}

pub const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
pub const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

impl<'a> Encrypt<'a> {
    pub fn to(to: &'a Identity) -> Self {
        Self { to, data: "aes256-gcm", key: MGF1P, digest: "", mgf: "", cut: 0 }
    }

    pub fn with(to: &'a Identity, data: &'a str) -> Self {
        Self { data, ..Self::to(to) }
    }

    pub fn apply(&self, plain: &str) -> String {
        let (cipher, gcm) = match self.data {
            "aes128-cbc" => (Cipher::aes_128_cbc(), false),
            "aes192-cbc" => (Cipher::aes_192_cbc(), false),
            "aes256-cbc" => (Cipher::aes_256_cbc(), false),
            "aes128-gcm" => (Cipher::aes_128_gcm(), true),
            "aes192-gcm" => (Cipher::aes_192_gcm(), true),
            _ => (Cipher::aes_256_gcm(), true),
        };
        let key = vec![7; cipher.key_len()];
        let iv = vec![9; if gcm { 12 } else { 16 }];
        let data = if gcm {
            let mut tag = [0; 16];
            let data = encrypt_aead(cipher, &key, Some(&iv), &[], plain.as_bytes(), &mut tag).unwrap();
            [iv, data, tag.to_vec()].concat()
        } else {
            // ISO 10126: only the last byte of the padding means something
            let mut padded = plain.as_bytes().to_vec();
            let padding = 16 - padded.len() % 16;
            padded.extend(vec![0xaa; padding - 1]);
            padded.push(padding as u8);
            let mut crypter = Crypter::new(cipher, Mode::Encrypt, &key, Some(&iv)).unwrap();
            crypter.pad(false);
            let mut out = vec![0; padded.len() + 16];
            let len = crypter.update(&padded, &mut out).unwrap();
            [iv, out[..len].to_vec()].concat()
        };
        let wrapped = self.wrap(&key);
        let namespace = if gcm { "http://www.w3.org/2009/xmlenc11#" } else { "http://www.w3.org/2001/04/xmlenc#" };
        let method = if self.data.contains('#') { self.data.to_owned() } else { format!("{namespace}{}", self.data) };
        let mut parameters = String::new();
        if !self.digest.is_empty() {
            parameters += &format!(r#"<ds:DigestMethod Algorithm="{}"></ds:DigestMethod>"#, self.digest);
        }
        if !self.mgf.is_empty() {
            parameters += &format!(
                r#"<xenc11:MGF xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" Algorithm="{}"></xenc11:MGF>"#,
                self.mgf
            );
        }
        let data = STANDARD.encode(&data[..data.len().saturating_sub(self.cut)]);
        format!(
            r#"<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{method}"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds="{DS}"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{}">{parameters}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#,
            self.key,
            STANDARD.encode(wrapped),
        )
    }

    fn wrap(&self, key: &[u8]) -> Vec<u8> {
        let mut encrypter = Encrypter::new(&self.to.public).unwrap();
        if self.key.ends_with("rsa-1_5") {
            encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
        } else {
            let digest = |uri: &str| if uri.is_empty() { MessageDigest::sha1() } else { message_digest(uri) };
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(digest(self.digest)).unwrap();
            let mgf1 = if self.mgf.ends_with("sha256") { MessageDigest::sha256() } else { MessageDigest::sha1() };
            encrypter.set_rsa_mgf1_md(mgf1).unwrap();
        }
        let mut out = vec![0; encrypter.encrypt_len(key).unwrap()];
        let len = encrypter.encrypt(key, &mut out).unwrap();
        out.truncate(len);
        out
    }
}

/// Everybody who takes part.
pub struct World {
    pub now: OffsetDateTime,
    pub idp_entity_id: String,
    pub sp_entity_id: String,
    pub acs_url: String,
    pub request_id: String,
    /// A response with another one is another response to whoever remembers.
    pub assertion_id: String,
    pub idp: Identity,
    pub idp_ec: Identity,
    pub attacker: Identity,
    pub sp: Identity,
}

impl World {
    pub fn new(now: OffsetDateTime) -> Self {
        Self {
            now,
            idp_entity_id: "https://idp.test/metadata".into(),
            sp_entity_id: "https://avouch.test/connections/contoso/metadata".into(),
            acs_url: "https://avouch.test/connections/contoso/acs".into(),
            request_id: "_request".into(),
            assertion_id: "_assertion".into(),
            idp: Identity::rsa(2048),
            idp_ec: Identity::ec(),
            attacker: Identity::rsa(2048),
            sp: Identity::rsa(2048),
        }
    }

    pub fn at(&self, offset_seconds: i64) -> String {
        (self.now + Duration::seconds(offset_seconds)).format(&Rfc3339).unwrap()
    }

    /// Unsigned, canonical.
    pub fn assertion(&self) -> String {
        let (now, later, before) = (self.at(0), self.at(300), self.at(-60));
        let Self { idp_entity_id, sp_entity_id, acs_url, request_id, assertion_id, .. } = self;
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{assertion_id}" IssueInstant="{now}" Version="2.0"><saml:Issuer>{idp_entity_id}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{USER}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{request_id}" NotOnOrAfter="{later}" Recipient="{acs_url}"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{later}"><saml:AudienceRestriction><saml:Audience>{sp_entity_id}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{before}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute FriendlyName="mail" Name="urn:oid:0.9.2342.19200300.100.1.3"><saml:AttributeValue>{USER}</saml:AttributeValue></saml:Attribute><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue><saml:AttributeValue>R&amp;D</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        )
    }

    /// Unsigned, canonical, with `body` in the assertion's place.
    pub fn response(&self, body: &str) -> String {
        let Self { idp_entity_id, acs_url, request_id, .. } = self;
        let now = self.at(0);
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="{acs_url}" ID="_response" InResponseTo="{request_id}" IssueInstant="{now}" Version="2.0"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{idp_entity_id}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>{body}</samlp:Response>"#
        )
    }

    pub fn sign_assertion(&self, assertion: &str) -> String {
        Sign::by(&self.idp).apply(assertion, &self.assertion_id)
    }

    pub fn sign_response(&self, response: &str) -> String {
        Sign::by(&self.idp).apply(response, "_response")
    }

    pub fn signed_assertion(&self) -> String {
        self.response(&self.sign_assertion(&self.assertion()))
    }

    pub fn signed_response(&self) -> String {
        self.sign_response(&self.response(&self.assertion()))
    }

    pub fn signed_both(&self) -> String {
        self.sign_response(&self.signed_assertion())
    }

    /// Signed assertion, after an edit that the provider itself made.
    pub fn said(&self, from: &str, to: &str) -> String {
        let assertion = self.assertion();
        assert!(assertion.contains(from), "{from} is not in the assertion");
        self.response(&self.sign_assertion(&assertion.replace(from, to)))
    }

    /// Signed response, after an edit that the provider itself made.
    pub fn said_around(&self, from: &str, to: &str) -> String {
        let response = self.response(&self.assertion());
        assert!(response.contains(from), "{from} is not in the response");
        self.sign_response(&response.replacen(from, to, 1))
    }
}
