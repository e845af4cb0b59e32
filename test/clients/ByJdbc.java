// SPDX-License-Identifier: PostgreSQL
// The cases of cases.py by JDBC, which sends parameters with their type, but for strings if stringtype=unspecified. The second argument is the URL.

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.LocalDate;
import java.util.UUID;

public class ByJdbc {
    private static Object nativeValue(String type, String word) {
        switch (type) {
            case "integer": return Integer.valueOf(word);
            case "bigint": return Long.valueOf(word);
            case "uuid": return UUID.fromString(word);
            case "date": return LocalDate.parse(word);
            default: return word;
        }
    }

    private static byte[] storedBytes(Connection connection) throws SQLException {
        try (ResultSet row = connection.createStatement().executeQuery("SELECT s::bytea FROM known WHERE type = 'integer'")) {
            row.next();
            return row.getBytes(1);
        }
    }

    private static void bind(Connection connection, PreparedStatement statement, String type, String[] words) throws SQLException {
        if (type.equals("bytea")) {
            statement.setBytes(1, storedBytes(connection));
        } else if (type.endsWith("[]")) {
            String member = type.substring(0, type.length() - 2);
            Object[] values = new Object[words.length];
            for (int i = 0; i < words.length; i++) {
                values[i] = nativeValue(member, words[i]);
            }
            statement.setArray(1, connection.createArrayOf(member.equals("bigint") ? "int8" : member, values));
        } else {
            for (int i = 0; i < words.length; i++) {
                statement.setObject(i + 1, nativeValue(type, words[i]));
            }
        }
    }

    private static String answer(Connection connection, String type, String text, String[] words) {
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            bind(connection, statement, type, words);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        } catch (SQLException error) {
            return "ERROR " + error.getSQLState();
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection connection = DriverManager.getConnection(arguments[1])) {
            for (String line : Files.readAllLines(Path.of(arguments[0]))) {
                String[] fields = line.split("\t");
                String text = fields[2].replaceAll("\\$[12]", "?");
                System.out.println(fields[0] + "\t" + answer(connection, fields[1], text, fields[3].split(",")));
            }
        }
    }
}
