import java.io.FileReader;
import java.util.Properties;
import javax.security.auth.callback.Callback;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;

/** A Kafka client's way to a token, with its properties as they are printed. Prints the token. */
class Application {
    public static void main(String[] arguments) throws Exception {
        Properties printed = new Properties();
        try (FileReader file = new FileReader(arguments[0])) {
            printed.load(file);
        }
        printed.putIfAbsent("bootstrap.servers", "localhost:9092");
        // This is where ${env:NAME} is replaced.
        AdminClientConfig config = new AdminClientConfig(printed);
        JaasContext jaas = JaasContext.loadClientContext(config.values());
        Class<?> type = config.getClass("sasl.login.callback.handler.class");
        var handler = (AuthenticateCallbackHandler) type.getDeclaredConstructor().newInstance();
        handler.configure(config.values(), config.getString("sasl.mechanism"), jaas.configurationEntries());
        OAuthBearerTokenCallback asked = new OAuthBearerTokenCallback();
        handler.handle(new Callback[] {asked});
        handler.close();
        if (asked.token() == null) {
            throw new IllegalStateException(asked.errorCode() + ": " + asked.errorDescription());
        }
        System.out.println(asked.token().value());
    }
}
