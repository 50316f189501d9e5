{% extends "wrapper.java" %}
{% macro moved(side, port, index) %}
{% set array = side ~ index %}
{% set dtype = port.spec.dtype %}
{% if dtype in ("int8", "uint8") %}
    {{ side }}s[{{ index }}].{{ "get" if side == "input" else "put" }}({{ array }});
{% else %}
    for (int i = 0; i < {{ port.elements }}; i++) {
{% if side == "input" %}
      {{ array }}[i] = {{ side }}s[{{ index }}].{{ {"float32": "getFloat()", "int32": "getInt()", "bool": "get() != 0"}[dtype] }};
{% else %}
      {{ side }}s[{{ index }}].{{ {"float32": "putFloat(%s[i])", "int32": "putInt(%s[i])", "bool": "put((byte) (%s[i] ? 1 : 0))"}[dtype] | format(array) }};
{% endif %}
    }
{% endif %}
{% endmacro %}
{% set types = {"float32": "float", "int32": "int", "int8": "byte", "uint8": "byte", "bool": "boolean"} %}
{% set methods = {"float32": "Float", "int32": "Int", "int8": "Int8", "uint8": "Int8", "bool": "Boolean"} %}
{% block imports %}
import com.google.ai.edge.litert.Accelerator;
import com.google.ai.edge.litert.CompiledModel;
import com.google.ai.edge.litert.LiteRtException;
import com.google.ai.edge.litert.TensorBuffer;
{% endblock %}
{% block option_fields %}
    private int threads = 1;
{% endblock %}
{% block option_methods %}
{% endblock %}
{% block gpu_note %}
     * Whether a GPU computes, where LiteRT can use the device's; it does not unless told. `onGpu` says what came of it.
{% endblock %}
{% block runtime_fields %}
  private final CompiledModel compiled;
{% if c.gpu %}
  private final boolean onGpu;
{% endif %}
{% endblock %}
{% block ports %}
{% for port in c.inputs %}
  private final {{ types[port.spec.dtype] }}[] input{{ loop.index0 }} = new {{ types[port.spec.dtype] }}[{{ port.elements }}];
{% endfor %}
  private final TensorBuffer[] given = new TensorBuffer[{{ c.inputs | length }}];
  private final TensorBuffer[] answered = new TensorBuffer[{{ c.outputs | length }}];
{% if c.entry.named %}
  private final Map<String, TensorBuffer> inputBuffers = new HashMap<>();
  private final Map<String, TensorBuffer> outputBuffers = new HashMap<>();
{% else %}
  private final List<TensorBuffer> inputBuffers;
  private final List<TensorBuffer> outputBuffers;
{% endif %}
{% endblock %}
{% block constructor %}
  private {{ c.name }}(ByteBuffer model, Options options, AssetManager assets, String place) {
    check(model, options);
    this.assets = assets;
{% if c.gpu %}
    CompiledModel opened = options.gpu ? accelerated(assets, place) : null;
    onGpu = opened != null;
{% else %}
    CompiledModel opened = null;
{% endif %}
    try {
      if (opened == null) {
        CompiledModel.Options settings = new CompiledModel.Options(Accelerator.CPU);
        settings.setCpuOptions(new CompiledModel.CpuOptions(options.threads, null, null));
        opened = created(assets, place, settings);
      }
      compiled = opened;
{% if c.entry.named %}
{% for side, buffers, several, names in (("Input", "given", "input", c.entry.inputs), ("Output", "answered", "output", c.entry.outputs)) %}
{% for name in names %}
      {{ buffers }}[{{ loop.index0 }}] = compiled.create{{ side }}Buffer({{ literal(name) }}, {{ literal(c.entry.key) }});
      {{ several }}Buffers.put({{ literal(name) }}, {{ buffers }}[{{ loop.index0 }}]);
{% endfor %}
{% endfor %}
{% else %}
      inputBuffers = compiled.createInputBuffers({{ c.entry.index }});
      outputBuffers = compiled.createOutputBuffers({{ c.entry.index }});
      if (inputBuffers.size() != given.length || outputBuffers.size() != answered.length) {
        throw new IllegalArgumentException(
            "The model must have {{ c.inputs | length }} inputs and {{ c.outputs | length }} outputs. Received: "
                + inputBuffers.size() + " and " + outputBuffers.size());
      }
      inputBuffers.toArray(given);
      outputBuffers.toArray(answered);
{% endif %}
    } catch (LiteRtException error) {
      release(opened);
      throw new IllegalArgumentException("LiteRT must take the model. Received: " + error.getMessage(), error);
    } catch (RuntimeException error) {
      release(opened);
      throw error;
    }
    int[] inputBytes = { {{- c.inputs | map(attribute="bytes") | join(", ") -}} };
    int[] outputBytes = { {{- c.outputs | map(attribute="bytes") | join(", ") -}} };
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = ByteBuffer.allocateDirect(inputBytes[i]).order(ByteOrder.nativeOrder());
    }
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = ByteBuffer.allocateDirect(outputBytes[i]).order(ByteOrder.nativeOrder());
    }
  }

  private static CompiledModel created(AssetManager assets, String place, CompiledModel.Options settings)
      throws LiteRtException {
    return assets == null ? CompiledModel.create(place, settings) : CompiledModel.create(assets, place, settings);
  }
{% endblock %}
{% block asset_place %}, ASSET{% endblock %}
{% block file_place %}, file.getPath(){% endblock %}
{% block from_memory %}
{% endblock %}
{% block running %}
{% if c.gpu %}

  /** Whether a GPU computes. */
  public boolean onGpu() {
    return onGpu;
  }

  /** The model on a GPU; null where LiteRT cannot use the device's for it. */
  private static CompiledModel accelerated(AssetManager assets, String place) {
    try {
      return created(assets, place, new CompiledModel.Options(Accelerator.GPU));
    } catch (LiteRtException error) {
      return null;
    } catch (RuntimeException error) {
      return null;
    } catch (LinkageError error) {
      return null;
    }
  }
{% endif %}

  /** Run the model on what the inputs hold. Allocates nothing of its own; LiteRT's methods do. */
  public void run() {
    for (int i = 0; i < inputs.length; i++) {
      clear(inputs[i]);
    }
    for (int i = 0; i < outputs.length; i++) {
      clear(outputs[i]);
    }
{% for port in c.inputs %}
{{ moved("input", port, loop.index0) -}}
{% endfor %}
    try {
{% for port in c.inputs %}
      given[{{ loop.index0 }}].write{{ methods[port.spec.dtype] }}(input{{ loop.index0 }});
{% endfor %}
      compiled.run(inputBuffers, outputBuffers, {{ literal(c.entry.key) if c.entry.named else c.entry.index }});
{% for port in c.outputs %}
      take{{ loop.index0 }}(answered[{{ loop.index0 }}].read{{ methods[port.spec.dtype] }}());
{% endfor %}
    } catch (LiteRtException error) {
      throw new IllegalStateException("LiteRT must run the model. Received: " + error.getMessage(), error);
    }
  }
{% for port in c.outputs %}

  private void take{{ loop.index0 }}({{ types[port.spec.dtype] }}[] output{{ loop.index0 }}) {
    if (output{{ loop.index0 }} == null || output{{ loop.index0 }}.length != OUTPUT{{ constant(port) }}_ELEMENTS) {
      throw new IllegalStateException(
          "The output{{ of(port) }} has " + OUTPUT{{ constant(port) }}_ELEMENTS + " values. Received: "
              + (output{{ loop.index0 }} == null ? "none" : output{{ loop.index0 }}.length));
    }
{{ moved("output", port, loop.index0) -}}
  }
{% endfor %}

{% endblock %}
{% block kernels %}true{% endblock %}
{% block closing %}
    release(compiled);
{% endblock %}
{% block other_sha256 %}
{% endblock %}
{% block allowing %}{% endblock %}
{% block signature %}

  private void release(CompiledModel opened) {
    for (TensorBuffer buffer : given) {
      if (buffer != null) {
        buffer.close();
      }
    }
    for (TensorBuffer buffer : answered) {
      if (buffer != null) {
        buffer.close();
      }
    }
    if (opened != null) {
      opened.close();
    }
  }
{% endblock %}
