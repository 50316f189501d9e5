// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }}

import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Golden vectors of {{ c.name }}: inputs with what reference kernels answer, and how far other kernels may be from it. */
internal object {{ c.name }}SelfTest {
    private const val MAGIC = 0x56474b45
    private const val MOST_LINES = 10
    private val DTYPES = arrayOf({{ output_dtypes }})
    private val INPUT_BYTES = intArrayOf({{ c.inputs | map(attribute="bytes") | join(", ") }})
    private val INPUT_WIDTHS = intArrayOf({{ input_widths }})
    private val EXACT = booleanArrayOf({{ exact }})
    private val OUTPUT_ELEMENTS = intArrayOf({{ c.outputs | map(attribute="elements") | join(", ") }})

    fun run(model: {{ c.name }}, content: ByteArray, xnnpack: Boolean): List<String> {
        val vectors = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
        if (content.size < 60 || vectors.getInt() != MAGIC || vectors.getInt() != 1) {
            throw IOException("Golden vectors begin with their own mark and form 1. Export the model again.")
        }
        val samples = vectors.getInt()
        val bounds = FloatArray(4) { vectors.getFloat() }
        val sha256 = ByteArray(32)
        vectors.get(sha256)
        if ({{ c.name }}.SHA256 != hex(sha256)) {
            throw IOException("Golden vectors belong to one model, here to sha256 ${hex(sha256)}. Export it again.")
        }
        val steps = bounds[if (xnnpack) 1 else 0]
        val relative = bounds[if (xnnpack) 3 else 2]
        val found = ArrayList<String>()
        model.forget()
        for (sample in 0 until samples) {
            for (i in INPUT_BYTES.indices) {
                copy(vectors, model.inputAt(i), INPUT_BYTES[i], INPUT_WIDTHS[i])
            }
            model.run()
            for (i in OUTPUT_ELEMENTS.indices) {
                compare(sample, i, vectors, model.outputAt(i), steps, relative, found)
            }
        }
        model.forget()
        return found
    }

    private fun compare(
        sample: Int, output: Int, expected: ByteBuffer, received: ByteBuffer, steps: Float, relative: Float,
        found: MutableList<String>,
    ) {
        val start = expected.position()
        val dtype = DTYPES[output]
        val real = dtype == "float32"
        var largest = 0.0
        if (real) {
            for (i in 0 until OUTPUT_ELEMENTS[output]) {
                val value = Math.abs(read(expected, dtype))
                largest = if (value <= Float.MAX_VALUE) maxOf(largest, value) else largest
            }
            expected.position(start)
        }
        val allowed = if (real) relative * maxOf(largest, 1e-6) else if (EXACT[output]) 0.0 else steps.toDouble()
        for (i in 0 until OUTPUT_ELEMENTS[output]) {
            val want = read(expected, dtype)
            val got = read(received, dtype)
            if (want.compareTo(got) != 0 && !(Math.abs(want - got) <= allowed) && found.size < MOST_LINES) {
                found.add("output $output, sample $sample, element $i: expected $want within $allowed. Received: $got")
            }
        }
    }

    private fun read(buffer: ByteBuffer, dtype: String): Double = when (dtype) {
        "float32" -> buffer.getFloat().toDouble()
        "int32" -> buffer.getInt().toDouble()
        "int64" -> buffer.getLong().toDouble()
        "int16" -> buffer.getShort().toDouble()
        "int8" -> buffer.get().toDouble()
        else -> (buffer.get().toInt() and 0xff).toDouble()
    }

    /** Little endian to native order, element by element. */
    private fun copy(from: ByteBuffer, to: ByteBuffer, bytes: Int, width: Int) {
        for (i in 0 until bytes step width) {
            when (width) {
                8 -> to.putLong(from.getLong())
                4 -> to.putInt(from.getInt())
                2 -> to.putShort(from.getShort())
                else -> to.put(from.get())
            }
        }
    }

    private fun hex(bytes: ByteArray): String {
        val text = StringBuilder(2 * bytes.size)
        for (byte in bytes) {
            text.append(Character.forDigit((byte.toInt() shr 4) and 15, 16)).append(Character.forDigit(byte.toInt() and 15, 16))
        }
        return text.toString()
    }
}
