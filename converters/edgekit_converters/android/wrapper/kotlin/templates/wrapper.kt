// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }}

import android.content.Context
import android.content.res.AssetManager
{% if c.takes_images %}
import android.graphics.Bitmap
{% endif %}
import java.io.Closeable
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import java.security.MessageDigest
import java.util.concurrent.Executor
import kotlin.coroutines.suspendCoroutine
{% block imports %}
import org.tensorflow.lite.DataType
{% if c.gpu %}
import org.tensorflow.lite.Delegate
{% endif %}
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
{% endblock %}

/**
 * The model {{ asset_comment }}: {{ summary }}.
 *
 * An object belongs to one thread at a time, and must be closed.
 */
public class {{ c.name }} private constructor(
    {{ "private val " if c.keeps_state else "" }}model: ByteBuffer,
    options: Options,
    private val assets: AssetManager?,
{% block place %}
{% endblock %}
) : Closeable {

    /**
     * How a model is opened.
     *
     * @property threads Threads of an inference.
{% block option_notes %}
     * @property xnnpack Whether XNNPACK computes what it can.
     * @property otherSha256 Whether a file with another sha256 may run, if its inputs and outputs are the same.
{% endblock %}
{% if c.gpu %}
{% block gpu_note %}
     * @property gpu Whether a GPU computes, where the device has one that TFLite knows. The model then runs on the thread
     *     that opened it alone. `onGpu` says what came of it.
{% endblock %}
{% endif %}
     */
    public class Options(
        public val threads: Int = 1,
{% block option_values %}
        public val xnnpack: Boolean = true,
        public val otherSha256: Boolean = false,
{% endblock %}
{% if c.gpu %}
        public val gpu: Boolean = false,
{% endif %}
    ) {
        init {
            require(threads >= 1) { "An inference has at least 1 thread. Received: $threads" }
        }
    }

{% block runtime_fields %}
    private val xnnpack: Boolean = options.xnnpack
    private val settings: Interpreter.Options = Interpreter.Options().setNumThreads(options.threads).setUseXNNPACK(options.xnnpack)
    private {{ "var" if c.keeps_state else "val" }} interpreter: Interpreter
{% if c.keeps_state %}
    private var closed: Boolean = false
{% endif %}
{% if c.gpu %}
    private val delegate: Delegate?
    private val opener: Thread = Thread.currentThread()
{% endif %}
{% endblock %}
    private val inputs: Array<ByteBuffer>
    private val outputs: Array<ByteBuffer>
{% block ports %}
    private val given: Array<Any>
    private val wanted: HashMap<Int, Any> = HashMap()
{% endblock %}
{% if c.stages %}
    private val preprocessing: {{ c.name }}Preprocessing = {{ c.name }}Preprocessing()
{% endif %}
{% if c.classifies %}
    private val scores: FloatArray = FloatArray({{ c.outputs[0].elements }})
{% endif %}

{% block constructor %}
    init {
        check(model, options)
{% if c.gpu %}
        val wished = if (options.gpu) gpuDelegate() else null
        val opened = wished?.let { accelerated(model, options, it) }
        delegate = if (opened == null) null else wished
        interpreter = opened ?: Interpreter(model, settings)
{% else %}
        interpreter = Interpreter(model, settings)
{% endif %}
        try {
            checkSignature()
        } catch (error: RuntimeException) {
            close()
            throw error
        }
        inputs = arrayOf({% for port in c.inputs %}direct({{ port.bytes }}){{ ", " if not loop.last }}{% endfor %})
        outputs = arrayOf({% for port in c.outputs %}direct({{ port.bytes }}){{ ", " if not loop.last }}{% endfor %})
        given = Array(inputs.size) { inputs[it] }
        for (i in outputs.indices) {
            wanted[i] = outputs[i]
        }
    }
{% endblock %}
{% for port in c.inputs %}

    /**
     * The input{{ of(port) }} itself, {{ port.spec.dtype }} {{ port.spec.shape | list }} in native order, to be filled with
     * {{ quantised_note(port) }}
     */
    public fun input{{ port.name }}(): ByteBuffer {
        clear(inputs[{{ loop.index0 }}])
        return inputs[{{ loop.index0 }}]
    }

    /** Set the input{{ of(port) }} from {{ port.elements }} values{{ real_note(port) }}. */
    public fun setInput{{ port.name }}(values: FloatArray) {
        require(values.size == INPUT{{ constant(port) }}_ELEMENTS) {
            "The input{{ of(port) }} has $INPUT{{ constant(port) }}_ELEMENTS values. Received: ${values.size}"
        }
        val buffer = input{{ port.name }}()
        for (value in values) {
            {{ put(port.spec, "value") }}
        }
    }
{% endfor %}
{% if c.stages and raw.text %}

    /** Set the input from a text, through the model's own preprocessing. */
    public fun prepare(text: String) {
        load(preprocessing.prepare(text))
    }
{% elif c.stages %}

    /** Set the input from a sample of floats, {{ raw_note }}, through the model's own preprocessing. */
    public fun prepare(sample: FloatArray{{ size_parameters }}) {
        load(preprocessing.prepare(sample{{ size_arguments }}))
    }
{% if c.takes_bytes %}

    /** Set the input from a sample of bytes (0 to 255), {{ raw_note }}, through the model's own preprocessing. */
    public fun prepare(sample: ByteArray{{ size_parameters }}) {
        load(preprocessing.prepare(sample{{ size_arguments }}))
    }
{% endif %}
{% endif %}
{% if c.takes_images %}

    /**
     * Set the input from an image, through the model's own preprocessing.
     *
     * Transparent pixels are refused{{ ", and colours become luma as ITU-R 601-2 has it" if raw.shape[2] == 1 else "" }}. An image of another
     * configuration than ARGB_8888 is copied first.
     */
    public fun prepare(image: Bitmap) {
        load(preprocessing.prepare(image))
    }

    /**
     * Set the input from a camera's frame (CameraX with OUTPUT_IMAGE_FORMAT_RGBA_8888), through the model's own preprocessing.
     *
     * @param pixels Bytes of R, G, B and A, row after row.
     * @param width Pixels of a row.
     * @param height Rows.
     * @param rowStride Bytes from one row to the next, as the plane says.
     * @param rotation Degrees that the image must be turned clockwise to stand upright: 0, 90, 180 or 270.
     */
    public fun prepareRgba(pixels: ByteBuffer, width: Int, height: Int, rowStride: Int, rotation: Int) {
        load(preprocessing.prepareRgba(pixels, width, height, rowStride, rotation))
    }
{% endif %}
{% if c.stages %}

    private fun load(whole: Boolean) {
        val values = preprocessing.values
        val buffer = input()
        for (i in 0 until INPUT_ELEMENTS) {
            val value = values[i]
            if (whole) {
                {{ put_whole(c.inputs[0].spec, "value") }}
            } else {
                {{ put(c.inputs[0].spec, "value") }}
            }
        }
    }
{% endif %}

{% block running %}
{% if c.gpu %}
    /** Whether a GPU computes. */
    public val onGpu: Boolean get() = delegate != null

{% endif %}
    /** Run the model on what the inputs hold. Allocates nothing of its own. */
    public fun run() {
{% if c.gpu %}
        check(delegate == null || Thread.currentThread() === opener) {
            "A model on a GPU runs on the thread that opened it, ${opener.name}. Received: ${Thread.currentThread().name}"
        }
{% endif %}
        for (i in inputs.indices) {
            clear(inputs[i])
        }
        for (i in outputs.indices) {
            clear(outputs[i])
        }
{% if c.has_variables and not c.keeps_state %}
        interpreter.resetVariableTensors()
{% endif %}
        interpreter.runForMultipleInputsOutputs(given, wanted)
    }
{% endblock %}

    /** Do something with the model on an executor's thread, which must have one thread alone, and wait for it without blocking. */
    public suspend fun <T> on(executor: Executor, act: ({{ c.name }}) -> T): T = suspendCoroutine { continuation ->
        executor.execute { continuation.resumeWith(runCatching { act(this) }) }
    }
{% if c.keeps_state %}

    /** Forget what was remembered: the next run is the first. The interpreter is made anew, as its variables are. */
    public fun reset() {
        check(!closed) { "The model was closed." }
        interpreter.close()
        interpreter = Interpreter(model, settings)
    }
{% endif %}
{% for port in c.outputs %}

    /** The output{{ of(port) }} itself, {{ port.spec.dtype }} {{ port.spec.shape | list }} in native order, as the last run left it. */
    public fun output{{ port.name }}(): ByteBuffer {
        clear(outputs[{{ loop.index0 }}])
        return outputs[{{ loop.index0 }}]
    }

    /** Read the output{{ of(port) }}{{ dequantised_note(port) }} into an array of {{ port.elements }} values. */
    public fun output{{ port.name }}(into: FloatArray): FloatArray {
        require(into.size == OUTPUT{{ constant(port) }}_ELEMENTS) {
            "The output{{ of(port) }} has $OUTPUT{{ constant(port) }}_ELEMENTS values. Received: ${into.size}"
        }
        val buffer = output{{ port.name }}()
        for (i in into.indices) {
            into[i] = {{ get(port.spec) }}
        }
        return into
    }
{% endfor %}
{% if c.classifies %}

    /** Scores of the classes, 0 to 1{{ ": the softmax of the first output" if c.softmax else "" }}. The array is used again by the next call. */
    public fun scores(): FloatArray {
        output{{ c.outputs[0].name }}(scores)
{% if c.softmax %}
        var largest = scores[0]
        for (score in scores) {
            largest = maxOf(largest, score)
        }
        var sum = 0f
        for (i in scores.indices) {
            scores[i] = Math.exp((scores[i] - largest).toDouble()).toFloat()
            sum += scores[i]
        }
        for (i in scores.indices) {
            scores[i] /= sum
        }
{% endif %}
        return scores
    }

    /** The class with the highest score. Of equal scores, the first. */
    public fun best(): Int {
        val all = scores()
        var best = 0
        for (i in 1 until all.size) {
            if (all[i] > all[best]) {
                best = i
            }
        }
        return best
    }

    /** The classes with the highest scores, best first. Of equal scores, the first ones. */
    public fun top(count: Int): IntArray {
        val all = scores()
        val taken = BooleanArray(all.size)
        return IntArray(minOf(count, all.size)) {
            var best = -1
            for (i in all.indices) {
                if (!taken[i] && (best < 0 || all[i] > all[best])) {
                    best = i
                }
            }
            taken[best] = true
            best
        }
    }
{% if c.takes_images %}

    /** Prepare an image, run the model, and give the class with the highest score; `scores` has them all. */
    public fun classify(image: Bitmap): Int {
        prepare(image)
        run()
        return best()
    }
{% endif %}
{% endif %}

    /**
     * Run the golden vectors that the app ships: inputs with what reference kernels answer.
     *
     * @return What differs by more than the vectors allow, at most ten lines; empty where all is as it should be.
     */
    @Throws(IOException::class)
    public fun selfTest(): List<String> {
        val own = checkNotNull(assets) { "A model that was not opened from the assets takes selfTest(InputStream)." }
        return own.open({{ golden }}).use { selfTest(it) }
    }

    /** As `selfTest()`, with the golden vectors from elsewhere. */
    @Throws(IOException::class)
    public fun selfTest(vectors: InputStream): List<String> {
{% if c.gpu %}
        check(!onGpu) { "Golden vectors have bounds for processors alone: open the model without gpu." }
{% endif %}
        return {{ c.name }}SelfTest.run(this, vectors.readBytes(), {% block kernels %}xnnpack{% endblock %})
    }

    internal fun inputAt(index: Int): ByteBuffer {
        clear(inputs[index])
        return inputs[index]
    }

    internal fun outputAt(index: Int): ByteBuffer {
        clear(outputs[index])
        return outputs[index]
    }

    /** What a model remembers is forgotten before the golden vectors, which follow each other, and after them. */
    internal fun forget() {
{% if c.keeps_state %}
        reset()
{% endif %}
    }

    override fun close() {
{% block closing %}
{% if c.keeps_state %}
        closed = true
{% endif %}
        interpreter.close()
{% if c.gpu %}
        delegate?.let { {{ c.name }}Gpu.close(it) }
{% endif %}
{% endblock %}
    }
{% block signature %}

    private fun checkSignature() {
        require(interpreter.inputTensorCount == {{ c.inputs | length }} && interpreter.outputTensorCount == {{ c.outputs | length }}) {
            "The model must have {{ c.inputs | length }} inputs and {{ c.outputs | length }} outputs. " +
                "Received: ${interpreter.inputTensorCount} and ${interpreter.outputTensorCount}"
        }
{% for side, ports in (("input", c.inputs), ("output", c.outputs)) %}
{% for port in ports %}
        checkTensor(
            "{{ side }} {{ loop.index0 }}", interpreter.get{{ side | capitalize }}Tensor({{ loop.index0 }}), DataType.{{ port.spec.dtype | upper }},
            intArrayOf({{ port.spec.shape | join(", ") }}), {{ scale(port.spec) }}, {{ zero_point(port.spec) }},
        )
{% endfor %}
{% endfor %}
    }
{% endblock %}

    public companion object {
        /** Path of the model among the assets. */
        public const val ASSET: String = {{ asset }}

        /** Of the model's file, in hex. */
        public const val SHA256: String = "{{ c.sha256 }}"

        /** Size of the model's file. */
        public const val MODEL_BYTES: Int = {{ c.model_bytes }}

        /** Of EdgeKit, which made this class. */
        public const val EDGEKIT_VERSION: String = "{{ c.version }}"
{% for port in c.inputs %}

        /** Values of the input{{ of(port) }}, {{ port.spec.dtype }} {{ port.spec.shape | list }}. */
        public const val INPUT{{ constant(port) }}_ELEMENTS: Int = {{ port.elements }}
{% endfor %}
{% for port in c.outputs %}

        /** Values of the output{{ of(port) }}, {{ port.spec.dtype }} {{ port.spec.shape | list }}. */
        public const val OUTPUT{{ constant(port) }}_ELEMENTS: Int = {{ port.elements }}
{% endfor %}

        /** Open the model that the app ships. */
        @Throws(IOException::class)
        public fun open(context: Context, options: Options = Options()): {{ c.name }} {
            val asset = try {
                context.assets.openFd(ASSET)
            } catch (error: IOException) {
                throw IOException(
                    ASSET + " must lie in the assets, and not be compressed. Received: " + error.message +
                        " Add to the app's build file: android { androidResources { noCompress.add(\"tflite\") } }",
                    error,
                )
            }
            asset.use {
                FileInputStream(asset.fileDescriptor).use { stream ->
                    val model = stream.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.declaredLength)
                    return {{ c.name }}(model, options, context.assets{% block asset_place %}{% endblock %})
                }
            }
        }

        /** Open a model that was delivered as a file. */
        @Throws(IOException::class)
        public fun open(file: File, options: Options = Options()): {{ c.name }} {
            FileInputStream(file).use { stream ->
                val channel = stream.channel
                return {{ c.name }}(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()), options, null{% block file_place %}{% endblock %})
            }
        }
{% block from_memory %}

        /** Open a model from memory: what remains of a direct buffer, which must not change while the object is open. */
        public fun open(model: ByteBuffer, options: Options = Options()): {{ c.name }} {
            require(model.isDirect) { "A model in memory is a direct buffer." }
            return {{ c.name }}(model.slice().order(ByteOrder.nativeOrder()), options, null)
        }
{% endblock %}
{% if c.labels %}

        /** The name of a class. */
        public fun label(index: Int): String = {{ c.name }}Labels.names[index]
{% endif %}

        /** As of `Buffer`: `ByteBuffer` has a method of its own in newer Androids alone. */
        private fun clear(buffer: Buffer) {
            buffer.clear()
        }

        private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

{% block delegates %}
{% if c.gpu %}
        /** A delegate for the GPU; null where the device has none that TFLite knows, or the app no library for it. */
        private fun gpuDelegate(): Delegate? = try {
            {{ c.name }}Gpu.delegate()
        } catch (error: LinkageError) {
            null
        } catch (error: RuntimeException) {
            null
        }

        /** An interpreter on a GPU; null where the GPU cannot take the model. */
        private fun accelerated(model: ByteBuffer, options: Options, delegate: Delegate): Interpreter? = try {
            Interpreter(model, Interpreter.Options().setNumThreads(options.threads).addDelegate(delegate))
        } catch (error: RuntimeException) {
            {{ c.name }}Gpu.close(delegate)
            null
        }

{% endif %}
{% endblock %}
        private fun check(model: ByteBuffer, options: Options) {
{% block other_sha256 %}
            if (options.otherSha256) {
{% if c.labels %}
                {{ c.name }}Labels.check(model)
{% endif %}
                return
            }
{% endblock %}
            val digest = MessageDigest.getInstance("SHA-256")
            digest.update(model.duplicate())
            val hex = StringBuilder(64)
            for (byte in digest.digest()) {
                hex.append(Character.forDigit((byte.toInt() shr 4) and 15, 16)).append(Character.forDigit(byte.toInt() and 15, 16))
            }
            require(SHA256.contentEquals(hex)) {
                "The model must be the one that this class was made from, with sha256 $SHA256. Received: $hex. " +
                    "{% block allowing %}Allow another with Options(otherSha256 = true).{% endblock %}"
            }
        }
{% block tensors %}

        private fun checkTensor(name: String, tensor: Tensor, dtype: DataType, shape: IntArray, scale: Float, zeroPoint: Int) {
            val quantization = tensor.quantizationParams()
            val expected = describe(dtype, shape, scale, zeroPoint)
            val received = describe(tensor.dataType(), tensor.shape(), quantization.scale, quantization.zeroPoint)
            require(expected == received) { "The $name must be $expected. Received: $received" }
        }

        private fun describe(dtype: DataType, shape: IntArray, scale: Float, zeroPoint: Int): String =
            "$dtype ${shape.contentToString()}, scale $scale, zero point $zeroPoint"
{% endblock %}
{% if quantises %}

        private fun quantised(value: Float, scale: Float, zeroPoint: Int, least: Float, most: Float): Float {
            val scaled = value / scale
            var whole = (if (scaled < 0) Math.ceil(scaled.toDouble()) else Math.floor(scaled.toDouble())).toFloat()
            if (Math.abs(scaled - whole) >= 0.5f) {
                whole += if (scaled < 0) -1f else 1f
            }
            return maxOf(least, minOf(most, whole + zeroPoint))
        }
{% endif %}
    }
}
