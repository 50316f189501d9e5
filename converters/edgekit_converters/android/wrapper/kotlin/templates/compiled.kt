{% extends "wrapper.kt" %}
{% macro moved(side, port, index) %}
{% set array = side ~ index %}
{% set dtype = port.spec.dtype %}
{% if dtype in ("int8", "uint8") %}
        {{ side }}s[{{ index }}].{{ "get" if side == "input" else "put" }}({{ array }})
{% else %}
        for (i in {{ array }}.indices) {
{% if side == "input" %}
            {{ array }}[i] = {{ side }}s[{{ index }}].{{ {"float32": "getFloat()", "int32": "getInt()", "bool": "get() != 0.toByte()"}[dtype] }}
{% else %}
            {{ side }}s[{{ index }}].{{ {"float32": "putFloat(%s[i])", "int32": "putInt(%s[i])", "bool": "put(if (%s[i]) 1 else 0)"}[dtype] | format(array) }}
{% endif %}
        }
{% endif %}
{% endmacro %}
{% set types = {"float32": "Float", "int32": "Int", "int8": "Byte", "uint8": "Byte", "bool": "Boolean"} %}
{% set methods = {"float32": "Float", "int32": "Int", "int8": "Int8", "uint8": "Int8", "bool": "Boolean"} %}
{% block imports %}
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
{% endblock %}
{% block place %}
    place: String,
{% endblock %}
{% block option_notes %}
{% endblock %}
{% block gpu_note %}
     * @property gpu Whether a GPU computes, where LiteRT can use the device's. `onGpu` says what came of it.
{% endblock %}
{% block option_values %}
{% endblock %}
{% block runtime_fields %}
    private val compiled: CompiledModel
{% if c.gpu %}

    /** Whether a GPU computes. */
    public val onGpu: Boolean
{% endif %}
{% endblock %}
{% block ports %}
{% for port in c.inputs %}
    private val input{{ loop.index0 }}: {{ types[port.spec.dtype] }}Array = {{ types[port.spec.dtype] }}Array({{ port.elements }})
{% endfor %}
    private val given: ArrayList<TensorBuffer> = ArrayList()
    private val answered: ArrayList<TensorBuffer> = ArrayList()
{% if c.entry.named %}
    private val inputBuffers: HashMap<String, TensorBuffer> = HashMap()
    private val outputBuffers: HashMap<String, TensorBuffer> = HashMap()
{% endif %}
{% endblock %}
{% block constructor %}
    init {
        check(model, options)
{% if c.gpu %}
        val accelerated = if (options.gpu) accelerated(assets, place) else null
        onGpu = accelerated != null
        compiled = accelerated ?: opened(assets, place, options)
{% else %}
        compiled = opened(assets, place, options)
{% endif %}
        try {
{% if c.entry.named %}
{% for side, buffers, several, names in (("Input", "given", "input", c.entry.inputs), ("Output", "answered", "output", c.entry.outputs)) %}
{% for name in names %}
            {{ buffers }}.add(compiled.create{{ side }}Buffer({{ literal(name) }}, {{ literal(c.entry.key) }}))
            {{ several }}Buffers[{{ literal(name) }}] = {{ buffers }}[{{ loop.index0 }}]
{% endfor %}
{% endfor %}
{% else %}
            given.addAll(compiled.createInputBuffers({{ c.entry.index }}))
            answered.addAll(compiled.createOutputBuffers({{ c.entry.index }}))
            require(given.size == {{ c.inputs | length }} && answered.size == {{ c.outputs | length }}) {
                "The model must have {{ c.inputs | length }} inputs and {{ c.outputs | length }} outputs. " +
                    "Received: ${given.size} and ${answered.size}"
            }
{% endif %}
        } catch (error: LiteRtException) {
            close()
            throw IllegalArgumentException("LiteRT must take the model. Received: ${error.message}", error)
        } catch (error: RuntimeException) {
            close()
            throw error
        }
        inputs = arrayOf({% for port in c.inputs %}direct({{ port.bytes }}){{ ", " if not loop.last }}{% endfor %})
        outputs = arrayOf({% for port in c.outputs %}direct({{ port.bytes }}){{ ", " if not loop.last }}{% endfor %})
    }
{% endblock %}
{% block running %}
    /** Run the model on what the inputs hold. Allocates nothing of its own; LiteRT's methods do. */
    public fun run() {
        for (i in inputs.indices) {
            clear(inputs[i])
        }
        for (i in outputs.indices) {
            clear(outputs[i])
        }
{% for port in c.inputs %}
{{ moved("input", port, loop.index0) -}}
{% endfor %}
        try {
{% for port in c.inputs %}
            given[{{ loop.index0 }}].write{{ methods[port.spec.dtype] }}(input{{ loop.index0 }})
{% endfor %}
{% if c.entry.named %}
            compiled.run(inputBuffers, outputBuffers, {{ literal(c.entry.key) }})
{% else %}
            compiled.run(given, answered, {{ c.entry.index }})
{% endif %}
{% for port in c.outputs %}
            take{{ loop.index0 }}(answered[{{ loop.index0 }}].read{{ methods[port.spec.dtype] }}())
{% endfor %}
        } catch (error: LiteRtException) {
            throw IllegalStateException("LiteRT must run the model. Received: ${error.message}", error)
        }
    }
{% for port in c.outputs %}

    private fun take{{ loop.index0 }}(output{{ loop.index0 }}: {{ types[port.spec.dtype] }}Array) {
        check(output{{ loop.index0 }}.size == OUTPUT{{ constant(port) }}_ELEMENTS) {
            "The output{{ of(port) }} has $OUTPUT{{ constant(port) }}_ELEMENTS values. Received: ${output{{ loop.index0 }}.size}"
        }
{{ moved("output", port, loop.index0) -}}
    }
{% endfor %}
{% endblock %}
{% block kernels %}true{% endblock %}
{% block closing %}
        for (i in given.indices) {
            given[i].close()
        }
        for (i in answered.indices) {
            answered[i].close()
        }
        compiled.close()
{% endblock %}
{% block signature %}
{% endblock %}
{% block asset_place %}, ASSET{% endblock %}
{% block file_place %}, file.path{% endblock %}
{% block from_memory %}
{% endblock %}
{% block delegates %}
        private fun created(assets: AssetManager?, place: String, settings: CompiledModel.Options): CompiledModel =
            if (assets == null) CompiledModel.create(place, settings) else CompiledModel.create(assets, place, settings)

        private fun opened(assets: AssetManager?, place: String, options: Options): CompiledModel = try {
            val settings = CompiledModel.Options(Accelerator.CPU)
            settings.cpuOptions = CompiledModel.CpuOptions(options.threads, null, null)
            created(assets, place, settings)
        } catch (error: LiteRtException) {
            throw IllegalArgumentException("LiteRT must take the model. Received: ${error.message}", error)
        }

{% if c.gpu %}
        /** The model on a GPU; null where LiteRT cannot use the device's for it. */
        private fun accelerated(assets: AssetManager?, place: String): CompiledModel? = try {
            created(assets, place, CompiledModel.Options(Accelerator.GPU))
        } catch (error: LiteRtException) {
            null
        } catch (error: RuntimeException) {
            null
        } catch (error: LinkageError) {
            null
        }

{% endif %}
{% endblock %}
{% block other_sha256 %}
{% endblock %}
{% block allowing %}{% endblock %}
{% block tensors %}
{% endblock %}
