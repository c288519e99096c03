import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * A resource server below /v2 and a login client everywhere else, as Camunda's Orchestration Cluster is both. Spring's
 * defaults decide; what is set here are Camunda's callback and sign-out addresses. All values come by Spring's properties.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class Application {
    public static void main(String[] arguments) {
        SpringApplication.run(Application.class, arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http.securityMatcher("/v2/**")
                .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain pages(HttpSecurity http, ClientRegistrationRepository clients) throws Exception {
        var bye = new OidcClientInitiatedLogoutSuccessHandler(clients);
        bye.setPostLogoutRedirectUri("{baseUrl}/post-logout");
        return http.authorizeHttpRequests(requests -> requests
                        .requestMatchers("/post-logout").permitAll()
                        .anyRequest().authenticated())
                .oauth2Login(login -> login.redirectionEndpoint(at -> at.baseUri("/sso-callback")))
                .logout(logout -> logout
                        .logoutRequestMatcher(PathPatternRequestMatcher.withDefaults().matcher("/logout"))
                        .logoutSuccessHandler(bye))
                .build();
    }

    @GetMapping("/v2/me")
    Map<String, Object> machine(@AuthenticationPrincipal Jwt token) {
        return token.getClaims();
    }

    /** The ID token's and UserInfo's claims. */
    @GetMapping("/")
    Map<String, Object> person(@AuthenticationPrincipal OidcUser user) {
        return Map.of("claims", user.getIdToken().getClaims(), "info", user.getUserInfo().getClaims());
    }

    @GetMapping("/post-logout")
    Map<String, Object> bye() {
        return Map.of("bye", true);
    }
}
