// A downstream application that we did not write: golang.org/x/oauth2 with coreos/go-oidc, the pair in kubectl's plugins,
// kube-apiserver, Argo CD and Grafana. The libraries are Debian's.
//
// One JSON object a line on stdin, one answer a line on stdout: {"ok":true,...} or {"ok":false,"error",...}; `id` is
// echoed when given. It exits when stdin closes. Commands: those of ../python/authlib_rp.py.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type object = map[string]interface{}

type relyingParty struct {
	ctx                    context.Context
	issuer, alg, jwks      string
	provider               *oidc.Provider
	config                 oauth2.Config
	verifier, nonce, state string
	tokens                 *oauth2.Token
}

func main() {
	rp := &relyingParty{ctx: context.Background()}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var command object
		if json.Unmarshal(lines.Bytes(), &command) != nil {
			continue
		}
		answer, err := rp.run(command)
		if err != nil {
			answer = object{"ok": false, "error": err.Error()}
			var refused *oauth2.RetrieveError
			if errors.As(err, &refused) {
				var body struct{ Error string }
				_ = json.Unmarshal(refused.Body, &body)
				answer["oauth_error"] = body.Error
			}
		} else {
			answer["ok"] = true
		}
		if id, given := command["id"]; given {
			answer["id"] = id
		}
		_ = out.Encode(answer)
	}
}

func (rp *relyingParty) run(c object) (object, error) {
	text := func(name string) string { s, _ := c[name].(string); return s }
	switch text("cmd") {
	case "discover":
		return rp.discover(text("issuer"), text("client_id"), text("client_secret"), text("auth"), text("id_token_alg"))
	case "authorize_url":
		return rp.authorizeURL(c, text("redirect_uri"), text("scope"))
	case "callback":
		return rp.callback(text("url"))
	case "refresh":
		old := text("refresh_token")
		if old == "" {
			old = rp.tokens.RefreshToken
		}
		tokens, err := rp.config.TokenSource(rp.ctx, &oauth2.Token{RefreshToken: old}).Token()
		return rp.remember(tokens, err, "")
	case "userinfo":
		info, err := rp.provider.UserInfo(rp.ctx, oauth2.StaticTokenSource(rp.tokens))
		if err != nil {
			return nil, err
		}
		var claims object
		return object{"claims": &claims}, info.Claims(&claims)
	case "client_credentials":
		config := clientcredentials.Config{ClientID: rp.config.ClientID, ClientSecret: rp.config.ClientSecret,
			TokenURL: rp.config.Endpoint.TokenURL, AuthStyle: rp.config.Endpoint.AuthStyle, EndpointParams: url.Values{}}
		parameters, _ := c["params"].(object)
		for name, value := range parameters {
			config.EndpointParams.Set(name, fmt.Sprint(value))
		}
		tokens, err := config.Token(rp.ctx)
		return rp.remember(tokens, err, "")
	case "verify_access_token":
		return rp.verifyAccessToken(text("token"), text("audience"), text("alg"), text("typ"))
	}
	return nil, fmt.Errorf("no command %q", text("cmd"))
}

func (rp *relyingParty) discover(issuer, id, secret, auth, alg string) (object, error) {
	provider, err := oidc.NewProvider(rp.ctx, issuer)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, err
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	if auth == "basic" {
		endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	if alg == "" {
		alg = "RS256"
	}
	*rp = relyingParty{ctx: rp.ctx, issuer: issuer, alg: alg, jwks: metadata.JWKS, provider: provider,
		config: oauth2.Config{ClientID: id, ClientSecret: secret, Endpoint: endpoint}}
	return object{}, nil
}

func (rp *relyingParty) authorizeURL(c object, redirect, scope string) (object, error) {
	rp.verifier, rp.nonce, rp.state = random(), random(), random()
	rp.config.RedirectURL, rp.config.Scopes = redirect, strings.Fields(scope)
	digest := sha256.Sum256([]byte(rp.verifier))
	options := []oauth2.AuthCodeOption{oidc.Nonce(rp.nonce),
		oauth2.SetAuthURLParam("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:])),
		oauth2.SetAuthURLParam("code_challenge_method", "S256")}
	for name, value := range c {
		if name != "cmd" && name != "id" && name != "redirect_uri" && name != "scope" {
			options = append(options, oauth2.SetAuthURLParam(name, fmt.Sprint(value)))
		}
	}
	return object{"url": rp.config.AuthCodeURL(rp.state, options...), "state": rp.state, "nonce": rp.nonce}, nil
}

func (rp *relyingParty) callback(back string) (object, error) {
	at, err := url.Parse(back)
	if err != nil {
		return nil, err
	}
	answer := at.Query()
	// the libraries leave state and RFC 9207 to their caller
	if answer.Get("iss") != rp.issuer || answer.Get("state") != rp.state {
		return nil, fmt.Errorf("an answer of %q to %q", answer.Get("iss"), answer.Get("state"))
	}
	if refused := answer.Get("error"); refused != "" {
		return nil, errors.New(refused)
	}
	tokens, err := rp.config.Exchange(rp.ctx, answer.Get("code"), oauth2.SetAuthURLParam("code_verifier", rp.verifier))
	return rp.remember(tokens, err, rp.nonce)
}

func (rp *relyingParty) remember(tokens *oauth2.Token, err error, nonce string) (object, error) {
	if err != nil {
		return nil, err
	}
	told := object{"access_token": tokens.AccessToken, "refresh_token": tokens.RefreshToken, "scope": tokens.Extra("scope")}
	answer := object{"tokens": told}
	if raw, given := tokens.Extra("id_token").(string); given {
		config := oidc.Config{ClientID: rp.config.ClientID, SupportedSigningAlgs: []string{rp.alg}}
		verified, err := rp.provider.Verifier(&config).Verify(rp.ctx, raw)
		if err != nil {
			return nil, err
		}
		if nonce != "" && verified.Nonce != nonce {
			return nil, errors.New("the nonce is another one")
		}
		if verified.AccessTokenHash != "" {
			if err := verified.VerifyAccessToken(tokens.AccessToken); err != nil {
				return nil, err
			}
		}
		var claims object
		if err := verified.Claims(&claims); err != nil {
			return nil, err
		}
		answer["claims"] = claims
	} else if nonce != "" {
		return nil, errors.New("no ID token in the token response")
	}
	rp.tokens = tokens
	return answer, nil
}

// As kube-apiserver does: the verifier of ID tokens, with the audience of the API.
func (rp *relyingParty) verifyAccessToken(token, audience, alg, typ string) (object, error) {
	if token == "" {
		token = rp.tokens.AccessToken
	}
	if typ == "" {
		typ = "at+jwt"
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.SplitN(token, ".", 2)[0])
	if err != nil {
		return nil, err
	}
	var header object
	if err := json.Unmarshal(raw, &header); err != nil {
		return nil, err
	}
	if header["typ"] != typ {
		return nil, fmt.Errorf("typ is %v, not %s", header["typ"], typ)
	}
	keys := oidc.NewRemoteKeySet(rp.ctx, rp.jwks)
	config := oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}}
	verified, err := oidc.NewVerifier(rp.issuer, keys, &config).Verify(rp.ctx, token)
	if err != nil {
		return nil, err
	}
	var claims object
	return object{"header": header, "claims": &claims}, verified.Claims(&claims)
}

func random() string {
	bytes := make([]byte, 32)
	if _, err := rand.Read(bytes); err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(bytes)
}
