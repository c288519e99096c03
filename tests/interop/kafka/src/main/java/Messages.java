import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A Java client at a broker, with its properties as they are printed. One JSON object a line on stdin, one on stdout:
 *   {"cmd":"create","topic"}               makes a topic of one partition
 *   {"cmd":"allow","principal","topic"}    lets somebody read and write it, in the consumer group of its name
 *   {"cmd":"send","topic","text"}          on a connection of its own; with "keep":true on one that stays open
 *   {"cmd":"receive","topic"}              everything from the beginning -> {"texts":[..]}
 */
class Messages {
    static Properties printed = new Properties();
    static KafkaProducer<String, String> kept;

    public static void main(String[] arguments) throws Exception {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
        try (FileReader file = new FileReader(arguments[0])) {
            printed.load(file);
        }
        printed.put("bootstrap.servers", arguments[1]);
        printed.put("max.block.ms", "15000");
        ObjectMapper json = new ObjectMapper();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = commands.readLine()) != null; ) {
            Map<String, Object> said;
            try {
                said = Map.of("ok", true, "texts", done(json.readTree(line)));
            } catch (Exception error) {
                Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
                while (cause.getClass().equals(org.apache.kafka.common.KafkaException.class) && cause.getCause() != null) {
                    cause = cause.getCause();
                }
                said = Map.of("ok", false, "error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
            }
            System.out.println(json.writeValueAsString(said));
        }
    }

    static List<String> done(JsonNode asked) throws Exception {
        String topic = asked.path("topic").asText();
        switch (asked.get("cmd").asText()) {
            case "create" -> {
                try (Admin admin = Admin.create(printed)) {
                    admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
                }
            }
            case "allow" -> {
                var entry = new AccessControlEntry(
                        asked.get("principal").asText(), "*", AclOperation.ALL, AclPermissionType.ALLOW);
                try (Admin admin = Admin.create(printed)) {
                    admin.createAcls(List.of(
                            new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL), entry),
                            new AclBinding(new ResourcePattern(ResourceType.GROUP, topic, PatternType.LITERAL), entry)))
                            .all().get();
                }
            }
            case "send" -> {
                if (asked.path("keep").asBoolean()) {
                    kept = kept == null ? producer() : kept;
                    kept.send(new ProducerRecord<>(topic, asked.get("text").asText())).get();
                } else {
                    try (KafkaProducer<String, String> producer = producer()) {
                        producer.send(new ProducerRecord<>(topic, asked.get("text").asText())).get();
                    }
                }
            }
            case "receive" -> {
                return received(topic);
            }
            default -> throw new IllegalArgumentException("unknown cmd");
        }
        return List.of();
    }

    static KafkaProducer<String, String> producer() {
        return new KafkaProducer<>(printed, new StringSerializer(), new StringSerializer());
    }

    static List<String> received(String topic) {
        Properties all = new Properties();
        all.putAll(printed);
        all.put("group.id", topic);
        all.put("auto.offset.reset", "earliest");
        all.put("enable.auto.commit", "false");
        List<String> texts = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(all, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            long end = System.nanoTime() + Duration.ofSeconds(15).toNanos();
            // empty before the group has let it in
            while (texts.isEmpty() && System.nanoTime() < end) {
                consumer.poll(Duration.ofMillis(500)).forEach(record -> texts.add(record.value()));
            }
        }
        return texts;
    }
}
