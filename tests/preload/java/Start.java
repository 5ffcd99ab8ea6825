// SPDX-License-Identifier: LGPL-2.1-or-later
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Starts programs in the ways ProcessBuilder has; fails if one goes wrong. */
public final class Start {
    private static void check(boolean good, String what) {
        if (!good)
            throw new IllegalStateException(what);
    }

    private static String output(Process process) throws Exception {
        byte[] bytes = process.getInputStream().readAllBytes();
        check(process.waitFor() == 0, "exit status");
        return new String(bytes, StandardCharsets.UTF_8).trim();
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        for (int i = 0; i < count; i++)
            check(output(new ProcessBuilder("echo", "a", "b " + i).start()).equals("a b " + i), "echo");

        ProcessBuilder elsewhere = new ProcessBuilder("/bin/sh", "-c", "pwd; echo $WORD");
        elsewhere.directory(new File("/usr/bin"));
        elsewhere.environment().put("WORD", "word");
        check(output(elsewhere.start()).equals("/usr/bin\nword"), "directory and environment");

        Process failing = new ProcessBuilder("/bin/sh", "-c", "exit 42").inheritIO().start();
        check(failing.waitFor() == 42, "exit status 42");

        try {
            new ProcessBuilder("/no/such/program").start();
            check(false, "it was found");
        } catch (IOException expected) {
            check(expected.getMessage().contains("No such file"), expected.getMessage());
        }
    }
}
