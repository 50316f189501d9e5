// Made by EdgeKit {{ c.version }}. Do not edit.
package {{ c.package }};

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;

/** Names of the classes, in the order of the scores. Loaded when one is first asked for. */
final class {{ c.name }}Labels {
  static final String[] NAMES = names();

  private static final int END = 0x06054b50;
  private static final int END_BYTES = 22;
  private static final int ENTRY = 0x02014b50;
  private static final int ENTRY_BYTES = 46;
  private static final int MEMBER_BYTES = 30;
  private static final String FILE = "{{ label_file }}";

  private {{ c.name }}Labels() {}

  /**
   * Names that lie in the model's file, as TFLite metadata has them, must be these: in another order the scores mean
   * something else. A file without names is taken.
   */
  static void check(ByteBuffer model) {
    ByteBuffer file = model.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    String received;
    try {
      received = member(file);
    } catch (IndexOutOfBoundsException error) {
      throw new IllegalArgumentException("The files behind the model must be whole. Received: " + error.getMessage());
    }
    if (received == null) {
      return;
    }
    String[] others = received.trim().split("\r?\n", -1);
    for (int i = 0; i < Math.max(others.length, NAMES.length); i++) {
      String mine = i < NAMES.length ? NAMES[i] : "no class " + i;
      String its = i < others.length ? others[i] : "no class " + i;
      if (!mine.trim().equals(its.trim())) {
        throw new IllegalArgumentException(
            "The labels in the model must be those of this class. Received: " + its + " in the place of " + mine + ".");
      }
    }
  }

  /** The text of the file in the zip archive behind the model; null where there is none. */
  private static String member(ByteBuffer file) {
    int end = file.limit() - END_BYTES;
    int least = Math.max(0, end - 0xffff);
    while (end >= least && file.getInt(end) != END) {
      end--;
    }
    if (end < least) {
      return null;
    }
    int at = file.getInt(end + 16);
    for (int left = file.getShort(end + 10) & 0xffff; left > 0; left--) {
      if (file.getInt(at) != ENTRY) {
        return null;
      }
      int name = file.getShort(at + 28) & 0xffff;
      if (file.getShort(at + 10) == 0 && FILE.equals(text(file, at + ENTRY_BYTES, name))) {
        int start = file.getInt(at + 42);
        int before = MEMBER_BYTES + (file.getShort(start + 26) & 0xffff) + (file.getShort(start + 28) & 0xffff);
        return text(file, start + before, file.getInt(at + 24));
      }
      at += ENTRY_BYTES + name + (file.getShort(at + 30) & 0xffff) + (file.getShort(at + 32) & 0xffff);
    }
    return null;
  }

  private static String text(ByteBuffer file, int start, int length) {
    if (start < 0 || length < 0 || length > file.limit() - start) {
      throw new IndexOutOfBoundsException(length + " bytes at byte " + start);
    }
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = file.get(start + i);
    }
    return new String(bytes, Charset.forName("UTF-8"));
  }

  private static String[] names() {
    StringBuilder all = new StringBuilder();
{% for chunk in labels %}
    all.append({{ chunk }});
{% endfor %}
    return all.toString().split("\n", -1);
  }
}
