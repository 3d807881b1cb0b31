import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/**
 * What Java's driver for PostgreSQL does with the server: each check prints a line, its name and what it has found.
 *
 * Arguments: the URL, the user, the password, the file of the certificate authority.
 */
public final class Jdbc {
    private interface Check {
        Object run() throws Exception;
    }

    private static String url;
    private static Properties properties;

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        properties = new Properties();
        properties.setProperty("user", arguments[1]);
        properties.setProperty("password", arguments[2]);
        properties.setProperty("sslmode", "disable");
        try (Connection conn = DriverManager.getConnection(url, properties)) {
            catalog(conn);
            statements(conn);
            prepared(conn);
            errors(conn);
            check("valid", () -> conn.isValid(5));
        }
        check("tls", () -> withTls(arguments[3]));
        check("wrong password", Jdbc::wrongPassword);
    }

    private static void catalog(Connection conn) throws Exception {
        DatabaseMetaData data = conn.getMetaData();
        check("product", data::getDatabaseProductName);
        check("major version", () -> data.getDatabaseMajorVersion() >= 15);
        check("catalogs", () -> rows(data.getCatalogs(), 1));
        check("schemas", () -> rows(data.getSchemas(), 1));
        check("table types", () -> rows(data.getTableTypes(), 1).contains("TABLE"));
        check("tables", () -> rows(data.getTables(null, "project_logs", "demo", null), 2, 3, 4));
        check("columns", () -> rows(data.getColumns(null, "project_logs", "demo", "%"), 4, 5, 6));
        check("primary keys", () -> rows(data.getPrimaryKeys(null, "project_logs", "demo"), 4));
        check("indexes", () -> rows(data.getIndexInfo(null, "project_logs", "demo", false, true), 6));
        check("imported keys", () -> rows(data.getImportedKeys(null, "project_logs", "demo"), 3));
        check("exported keys", () -> rows(data.getExportedKeys(null, "project_logs", "demo"), 3));
        check("best row", () -> rows(data.getBestRowIdentifier(null, "project_logs", "demo", 1, true), 2));
        check("types", () -> rows(data.getTypeInfo(), 1).containsAll(List.of("text", "jsonb", "timestamptz", "int8")));
        check("functions", () -> rows(data.getFunctions(null, null, "%"), 3).size() >= 0);
        check("procedures", () -> rows(data.getProcedures(null, null, "%"), 3).size() >= 0);
        check("table privileges", () -> rows(data.getTablePrivileges(null, "project_logs", "demo"), 3).size() >= 0);
        check("column privileges",
                () -> rows(data.getColumnPrivileges(null, "project_logs", "demo", "id"), 3).size() >= 0);
        check("versions", () -> rows(data.getVersionColumns(null, "project_logs", "demo"), 2));
        check("user types", () -> rows(data.getUDTs(null, null, "%", null), 3).size() >= 0);
        check("client info", () -> rows(data.getClientInfoProperties(), 1).size() > 0);
        check("keywords", () -> data.getSQLKeywords().length() > 0);
        check("quote", data::getIdentifierQuoteString);
        check("longest name", () -> data.getMaxColumnNameLength() > 0);
    }

    private static void statements(Connection conn) throws Exception {
        check("values", () -> {
            try (Statement statement = conn.createStatement();
                    ResultSet found = statement.executeQuery("SELECT id, input, metrics.tokens, scores.Factuality,"
                            + " tags, created, is_root, NULL FROM demo ORDER BY id LIMIT 2")) {
                ResultSetMetaData data = found.getMetaData();
                List<Object> all = new ArrayList<>();
                for (int column = 1; column <= data.getColumnCount(); column++) {
                    all.add(data.getColumnTypeName(column));
                }
                while (found.next()) {
                    Array tags = found.getArray(5);
                    all.add(found.getString(1) + found.getString(2) + found.getLong(3) + found.getObject(4)
                            + (tags == null ? "null" : Arrays.toString((String[]) tags.getArray()))
                            + found.getObject(6, OffsetDateTime.class) + found.getBoolean(7) + found.getObject(8));
                }
                return all;
            }
        });
        check("portals", () -> {
            conn.setAutoCommit(false);
            try (Statement statement = conn.createStatement()) {
                statement.setFetchSize(64);
                int count = 0;
                try (ResultSet found = statement.executeQuery("SELECT id FROM demo")) {
                    while (found.next()) {
                        count++;
                    }
                }
                // An endless answer is read as far as it is wanted.
                String endless = "SELECT n AS id, repeat('some words ', 20) AS input FROM generate_series(1, 1000000000000) AS s (n)";
                try (ResultSet found = statement.executeQuery(endless)) {
                    for (int row = 0; row < 200; row++) {
                        found.next();
                    }
                }
                return count;
            } finally {
                conn.commit();
                conn.setAutoCommit(true);
            }
        });
        check("most rows", () -> {
            try (Statement statement = conn.createStatement()) {
                statement.setMaxRows(3);
                return rows(statement.executeQuery("SELECT id FROM demo ORDER BY id"), 1);
            }
        });
        check("btql", () -> {
            try (Statement statement = conn.createStatement()) {
                return rows(statement.executeQuery("from: project_logs('demo') | select: id, "
                        + "(input.n > 0 ? 'a;b' : 'c%d') as kind, {\"n\": input.n} as x | sort: id | limit: 2"),
                        1, 2, 3);
            }
        });
        check("btql prepared", () -> {
            // In a prepared statement each `?` is a value, unless it is doubled.
            try (PreparedStatement statement = conn.prepareStatement("from: project_logs('demo') | select: id, "
                    + "(input.n > ? ?? 'a' : 'b') as kind | sort: id | limit: 2")) {
                statement.setLong(1, 0);
                return rows(statement.executeQuery(), 1, 2);
            }
        });
        check("writes", () -> {
            try (Statement statement = conn.createStatement();
                    PreparedStatement insert = conn.prepareStatement(
                            "INSERT INTO project_logs.jdbc (id, input, tags) VALUES (?, ?::jsonb, ?)")) {
                for (int row = 0; row < 3; row++) {
                    insert.setString(1, "j" + row);
                    insert.setString(2, "{\"n\": " + row + "}");
                    insert.setArray(3, conn.createArrayOf("text", new String[] {"a", "b\"c"}));
                    insert.addBatch();
                }
                List<Object> all = new ArrayList<>(List.of(Arrays.toString(insert.executeBatch())));
                all.add(statement.executeUpdate("DELETE FROM project_logs.jdbc WHERE id = 'j1'"));
                String read = "SELECT id, input, tags FROM project_logs.jdbc ORDER BY id";
                all.addAll(rows(statement.executeQuery(read), 1, 2, 3));
                return all;
            }
        });
        check("copy", () -> {
            org.postgresql.copy.CopyManager manager = conn.unwrap(org.postgresql.PGConnection.class).getCopyAPI();
            java.io.StringWriter out = new java.io.StringWriter();
            long rows = manager.copyOut("COPY (SELECT id, input.n FROM demo ORDER BY id LIMIT 2) TO STDOUT", out);
            long in = manager.copyIn("COPY project_logs.jdbc_copy (id, root_span_id) FROM STDIN WITH (FORMAT csv)",
                    new java.io.StringReader("a,\"x,y\"\nb,z\n"));
            return rows + " " + out.toString().strip().replace("\n", "|").replace("\t", ",") + " " + in;
        });
    }

    private static void prepared(Connection conn) throws Exception {
        check("prepared", () -> {
            // From the fifth execution on, the driver has the server keep the statement and uses the binary format.
            List<Object> all = new ArrayList<>();
            try (PreparedStatement statement = conn.prepareStatement(
                    "SELECT id, metrics.tokens AS n, created, is_root, tags, input FROM demo"
                            + " WHERE input.n = ? AND id <> ?")) {
                for (int n = 0; n < 8; n++) {
                    statement.setLong(1, n);
                    statement.setString(2, "none");
                    try (ResultSet found = statement.executeQuery()) {
                        found.next();
                        Array tags = found.getArray(5);
                        all.add(found.getString(1) + "/" + found.getLong(2) + "/"
                                + found.getObject(3, OffsetDateTime.class).getMinute() + "/" + found.getBoolean(4) + "/"
                                + (tags == null ? 0 : ((Object[]) tags.getArray()).length) + "/"
                                + found.getString(6).length());
                    }
                }
            }
            return all;
        });
        check("kept by the server", () -> {
            try (PreparedStatement statement = conn.prepareStatement("SELECT ? || 'x'")) {
                org.postgresql.PGStatement inner = statement.unwrap(org.postgresql.PGStatement.class);
                inner.setPrepareThreshold(2);
                List<Object> all = new ArrayList<>();
                for (int n = 0; n < 3; n++) {
                    statement.setString(1, "n" + n);
                    all.add(inner.isUseServerPrepare() + rows(statement.executeQuery(), 1).get(0).toString());
                }
                return all;
            }
        });
        check("arrays", () -> {
            String text = "SELECT id FROM demo WHERE id = ANY(?) ORDER BY id";
            try (PreparedStatement statement = conn.prepareStatement(text)) {
                statement.setArray(1, conn.createArrayOf("text", new String[] {"r001", "r004", "it's"}));
                return rows(statement.executeQuery(), 1);
            }
        });
        check("kinds", () -> {
            try (PreparedStatement statement = conn.prepareStatement(
                    "SELECT id FROM demo WHERE id = ? AND input.n = ? AND created < ? AND is_root = ?")) {
                ParameterMetaData data = statement.getParameterMetaData();
                statement.setString(1, "r000");
                statement.setInt(2, 0);
                statement.setObject(3, OffsetDateTime.of(2026, 12, 1, 0, 0, 0, 0, ZoneOffset.UTC));
                statement.setBoolean(4, true);
                List<Object> all = new ArrayList<>(List.of(data.getParameterCount()));
                all.addAll(rows(statement.executeQuery(), 1));
                statement.setTimestamp(3, Timestamp.valueOf("2026-12-01 00:00:00"));
                all.addAll(rows(statement.executeQuery(), 1));
                statement.setNull(1, Types.VARCHAR);
                all.addAll(rows(statement.executeQuery(), 1));
                return all;
            }
        });
    }

    private static void errors(Connection conn) throws Exception {
        check("error", () -> {
            try (Statement statement = conn.createStatement()) {
                statement.executeQuery("SELECT lenght(id) FROM demo");
                return "none";
            } catch (SQLException error) {
                org.postgresql.util.PSQLException inner = (org.postgresql.util.PSQLException) error;
                return error.getSQLState() + " at " + inner.getServerErrorMessage().getPosition();
            }
        });
        check("timeout", () -> {
            try (Statement statement = conn.createStatement()) {
                statement.setQueryTimeout(1);
                statement.executeQuery("SELECT sum(n) AS n FROM generate_series(1, 1000000000000) AS s (n)");
                return "none";
            } catch (SQLException error) {
                return error.getSQLState();
            }
        });
        check("failed transaction", () -> {
            conn.setAutoCommit(false);
            List<Object> all = new ArrayList<>();
            for (String text : List.of("SELECT nothing(1)", "SELECT 1")) {
                try (Statement statement = conn.createStatement()) {
                    statement.executeQuery(text);
                } catch (SQLException error) {
                    all.add(error.getSQLState());
                }
            }
            conn.rollback();
            conn.setAutoCommit(true);
            try (Statement statement = conn.createStatement()) {
                all.addAll(rows(statement.executeQuery("SELECT 1"), 1));
            }
            return all;
        });
    }

    private static Object withTls(String authority) throws Exception {
        Properties secure = new Properties();
        secure.putAll(properties);
        secure.setProperty("sslmode", "verify-ca");
        secure.setProperty("sslrootcert", authority);
        secure.setProperty("channelBinding", "require");
        try (Connection conn = DriverManager.getConnection(url, secure); Statement statement = conn.createStatement()) {
            return rows(statement.executeQuery("SELECT 1"), 1);
        }
    }

    private static Object wrongPassword() {
        Properties wrong = new Properties();
        wrong.putAll(properties);
        wrong.setProperty("password", "sk-wrong");
        try (Connection conn = DriverManager.getConnection(url, wrong)) {
            return "let in";
        } catch (SQLException error) {
            return error.getSQLState();
        }
    }

    private static List<Object> rows(ResultSet found, int... columns) throws SQLException {
        List<Object> all = new ArrayList<>();
        try (found) {
            while (found.next()) {
                List<String> row = new ArrayList<>();
                for (int column : columns) {
                    row.add(found.getString(column));
                }
                all.add(String.join("|", row.stream().map(String::valueOf).toList()));
            }
        }
        return all;
    }

    private static void check(String name, Check check) {
        String found;
        try {
            found = String.valueOf(check.run());
        } catch (Exception error) {
            found = "failed: " + error;
        }
        System.out.println(name + "\t" + found.replace("\n", " "));
    }
}
