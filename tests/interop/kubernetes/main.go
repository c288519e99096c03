// The API server's own OpenID Connect authenticator, with the configuration file as it is printed.
//
//	kubernetes AUTHENTICATION_CONFIG CA_FILE
//
// {"token":..} a line on stdin; one answer a line on stdout: {"ok":true,"username":..,"groups":[..]} or
// {"ok":false,"error":..}. It ends when stdin does, or at once when the file is refused.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/apis/apiserver/validation"
	authenticationcel "k8s.io/apiserver/pkg/authentication/cel"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

type authority []byte

func (pem authority) CurrentCABundleContent() []byte { return pem }

type answer struct {
	OK       bool     `json:"ok"`
	Username string   `json:"username,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	Error    string   `json:"error,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: kubernetes AUTHENTICATION_CONFIG CA_FILE")
	}
	config, err := load(os.Args[1])
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	ctx := context.Background()
	checker, err := oidc.New(ctx, oidc.Options{
		JWTAuthenticator:     config.JWT[0],
		CAContentProvider:    authority(ca),
		SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(),
	})
	if err != nil {
		return err
	}
	// It discovers the issuer in the background, at once and then every ten seconds.
	for began := time.Now(); checker.HealthCheck() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			return checker.HealthCheck()
		}
	}
	tokens := bufio.NewScanner(os.Stdin)
	tokens.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for tokens.Scan() {
		var asked struct{ Token string }
		if err := json.Unmarshal(tokens.Bytes(), &asked); err != nil {
			return err
		}
		var said answer
		response, taken, err := checker.AuthenticateToken(ctx, asked.Token)
		switch {
		case err != nil:
			said.Error = err.Error()
		case !taken:
			said.Error = "this authenticator does not feel concerned: iss is another one, or it is no JWT"
		default:
			said = answer{OK: true, Username: response.User.GetName(), Groups: response.User.GetGroups()}
		}
		if err := out.Encode(said); err != nil {
			return err
		}
	}
	return tokens.Err()
}

// As kube-apiserver reads the file of --authentication-config: strictly, then validated as a whole.
func load(path string) (*apiserver.AuthenticationConfiguration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	decoded, err := runtime.Decode(codecs.UniversalDecoder(), data)
	if err != nil {
		return nil, err
	}
	config, is := decoded.(*apiserver.AuthenticationConfiguration)
	if !is {
		return nil, fmt.Errorf("%s holds a %T", path, decoded)
	}
	if len(config.JWT) != 1 {
		return nil, fmt.Errorf("%s has %d JWT authenticators", path, len(config.JWT))
	}
	faults := validation.ValidateAuthenticationConfiguration(authenticationcel.NewDefaultCompiler(), config, nil)
	return config, faults.ToAggregate()
}
