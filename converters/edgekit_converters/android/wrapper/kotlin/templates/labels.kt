// Made by EdgeKit {{ c.version }}. Do not edit.
package {{ c.package }}

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Names of the classes, in the order of the scores. Loaded when one is first asked for. */
internal object {{ c.name }}Labels {
    private const val END: Int = 0x06054b50
    private const val END_BYTES: Int = 22
    private const val ENTRY: Int = 0x02014b50
    private const val ENTRY_BYTES: Int = 46
    private const val MEMBER_BYTES: Int = 30
    private const val FILE: String = "{{ label_file }}"

    val names: List<String> by lazy(LazyThreadSafetyMode.PUBLICATION) {
        val all = StringBuilder()
{% for chunk in labels %}
        all.append({{ chunk }})
{% endfor %}
        all.toString().split('\n')
    }

    /**
     * Names that lie in the model's file, as TFLite metadata has them, must be these: in another order the scores mean
     * something else. A file without names is taken.
     */
    fun check(model: ByteBuffer) {
        val file = model.duplicate().order(ByteOrder.LITTLE_ENDIAN)
        val received = try {
            member(file) ?: return
        } catch (error: IndexOutOfBoundsException) {
            throw IllegalArgumentException("The files behind the model must be whole. Received: ${error.message}", error)
        }
        val others = received.trim().split('\n')
        for (i in 0 until maxOf(others.size, names.size)) {
            val mine = names.getOrNull(i) ?: "no class $i"
            val its = others.getOrNull(i) ?: "no class $i"
            require(mine.trim() == its.trim()) {
                "The labels in the model must be those of this class. Received: $its in the place of $mine."
            }
        }
    }

    /** The text of the file in the zip archive behind the model; null where there is none. */
    private fun member(file: ByteBuffer): String? {
        var end = file.limit() - END_BYTES
        val least = maxOf(0, end - 0xffff)
        while (end >= least && file.getInt(end) != END) {
            end--
        }
        if (end < least) {
            return null
        }
        var at = file.getInt(end + 16)
        repeat(short(file, end + 10)) {
            if (file.getInt(at) != ENTRY) {
                return null
            }
            val name = short(file, at + 28)
            if (short(file, at + 10) == 0 && text(file, at + ENTRY_BYTES, name) == FILE) {
                val start = file.getInt(at + 42)
                val before = MEMBER_BYTES + short(file, start + 26) + short(file, start + 28)
                return text(file, start + before, file.getInt(at + 24))
            }
            at += ENTRY_BYTES + name + short(file, at + 30) + short(file, at + 32)
        }
        return null
    }

    private fun short(file: ByteBuffer, at: Int): Int = file.getShort(at).toInt() and 0xffff

    private fun text(file: ByteBuffer, start: Int, length: Int): String {
        if (start < 0 || length < 0 || length > file.limit() - start) {
            throw IndexOutOfBoundsException("$length bytes at byte $start")
        }
        return String(ByteArray(length) { file.get(start + it) }, Charsets.UTF_8)
    }
}
