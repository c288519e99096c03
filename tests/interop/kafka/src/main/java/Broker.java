import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.Properties;
import javax.security.auth.callback.Callback;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.internals.BrokerSecurityConfigs;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * A Kafka broker's look at tokens, with its properties as they are printed: the callback handler that they name, which
 * validates by BrokerJwtValidator. {"token":..} a line on stdin, one JSON object a line on stdout.
 */
class Broker {
    static final String MECHANISM = "OAUTHBEARER";

    public static void main(String[] arguments) throws Exception {
        Properties printed = new Properties();
        try (FileReader file = new FileReader(arguments[0])) {
            printed.load(file);
        }
        ListenerName listener = new ListenerName("SASL_SSL");
        Map<String, Object> values = new AbstractConfig(BrokerSecurityConfigs.CONFIG_DEF, printed, false)
                .valuesWithPrefixOverride(listener.configPrefix());
        JaasContext jaas = JaasContext.loadServerContext(listener, MECHANISM, values);
        String key = ListenerName.saslMechanismPrefix(MECHANISM)
                + BrokerSecurityConfigs.SASL_SERVER_CALLBACK_HANDLER_CLASS_CONFIG;
        Object named = values.get(key);
        Class<?> type = named instanceof Class<?> known ? known : Class.forName((String) named);
        var handler = (AuthenticateCallbackHandler) type.getDeclaredConstructor().newInstance();
        handler.configure(values, MECHANISM, jaas.configurationEntries());

        ObjectMapper json = new ObjectMapper();
        BufferedReader tokens = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = tokens.readLine()) != null; ) {
            String token = json.readTree(line).get("token").asText();
            OAuthBearerValidatorCallback asked = new OAuthBearerValidatorCallback(token);
            handler.handle(new Callback[] {asked});
            Map<String, Object> said = asked.token() == null
                    ? Map.of("ok", false, "error", String.valueOf(asked.errorStatus()))
                    : Map.of("ok", true, "principal", asked.token().principalName(), "scope", asked.token().scope());
            System.out.println(json.writeValueAsString(said));
        }
        handler.close();
    }
}
